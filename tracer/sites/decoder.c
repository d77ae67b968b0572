/* The one file that knows capstone. Instructions are told apart by lists, not by what capstone says
 * of flags and operands: what is on no list is not trusted. */
#include "tracer/sites/decoder.h"

#include <capstone/capstone.h>
#include <stdlib.h>

struct decoder {
	csh handle;
	cs_insn *instruction;
};

static const struct listed {
	unsigned id;
	enum instruction_kind kind;
	bool movable;
} list[] = {
	{ X86_INS_MOV, INSTRUCTION_PLAIN, true },
	{ X86_INS_MOVABS, INSTRUCTION_PLAIN, true },
	{ X86_INS_MOVZX, INSTRUCTION_PLAIN, true },
	{ X86_INS_MOVSX, INSTRUCTION_PLAIN, true },
	{ X86_INS_MOVSXD, INSTRUCTION_PLAIN, true },
	{ X86_INS_LEA, INSTRUCTION_PLAIN, true },
	{ X86_INS_CDQE, INSTRUCTION_PLAIN, true },
	{ X86_INS_CWDE, INSTRUCTION_PLAIN, true },
	{ X86_INS_CQO, INSTRUCTION_PLAIN, true },
	{ X86_INS_CDQ, INSTRUCTION_PLAIN, true },
	{ X86_INS_NOT, INSTRUCTION_PLAIN, true },
	{ X86_INS_BSWAP, INSTRUCTION_PLAIN, true },
	{ X86_INS_XCHG, INSTRUCTION_PLAIN, true },
	{ X86_INS_MOVD, INSTRUCTION_PLAIN, true },
	{ X86_INS_MOVQ, INSTRUCTION_PLAIN, true },
	{ X86_INS_MOVUPS, INSTRUCTION_PLAIN, true },
	{ X86_INS_MOVAPS, INSTRUCTION_PLAIN, true },
	{ X86_INS_MOVDQU, INSTRUCTION_PLAIN, true },
	{ X86_INS_MOVDQA, INSTRUCTION_PLAIN, true },
	{ X86_INS_PXOR, INSTRUCTION_PLAIN, true },
	{ X86_INS_XORPS, INSTRUCTION_PLAIN, true },
	{ X86_INS_PUNPCKLQDQ, INSTRUCTION_PLAIN, true },
	{ X86_INS_PINSRQ, INSTRUCTION_PLAIN, true },
	{ X86_INS_MOVHPS, INSTRUCTION_PLAIN, true },
	{ X86_INS_INC, INSTRUCTION_PLAIN, true },
	{ X86_INS_DEC, INSTRUCTION_PLAIN, true },
	{ X86_INS_SHL, INSTRUCTION_PLAIN, true },
	{ X86_INS_SHR, INSTRUCTION_PLAIN, true },
	{ X86_INS_SAR, INSTRUCTION_PLAIN, true },
	{ X86_INS_IMUL, INSTRUCTION_PLAIN, true },
	{ X86_INS_CMP, INSTRUCTION_COUNTS, true },
	{ X86_INS_TEST, INSTRUCTION_COUNTS, true },
	{ X86_INS_ADD, INSTRUCTION_COUNTS, true },
	{ X86_INS_SUB, INSTRUCTION_COUNTS, true },
	{ X86_INS_XOR, INSTRUCTION_COUNTS, true },
	{ X86_INS_OR, INSTRUCTION_COUNTS, true },
	{ X86_INS_AND, INSTRUCTION_COUNTS, true },
	{ X86_INS_NEG, INSTRUCTION_COUNTS, true },
	{ X86_INS_XADD, INSTRUCTION_COUNTS, true },
	{ X86_INS_CMPXCHG, INSTRUCTION_COUNTS, true },
	{ X86_INS_PUSH, INSTRUCTION_PLAIN, false },
	{ X86_INS_POP, INSTRUCTION_PLAIN, false },
	{ X86_INS_NOP, INSTRUCTION_PLAIN, false },
	{ X86_INS_ENDBR64, INSTRUCTION_PLAIN, false },
	{ X86_INS_LEAVE, INSTRUCTION_PLAIN, false },
	{ X86_INS_SYSCALL, INSTRUCTION_SYSCALL, false },
	{ X86_INS_CALL, INSTRUCTION_CALL, false },
	{ X86_INS_RET, INSTRUCTION_ENDS, false },
	{ X86_INS_HLT, INSTRUCTION_ENDS, false },
	{ X86_INS_UD2, INSTRUCTION_ENDS, false },
	{ X86_INS_INT3, INSTRUCTION_ENDS, false },
	{ X86_INS_JMP, INSTRUCTION_JUMP, false },

	{ X86_INS_JNE, INSTRUCTION_IF_NOT, false },
};

struct decoder *decoder_create(void)
{
	struct decoder *decoder = calloc(1, sizeof(*decoder));

	if (decoder && cs_open(CS_ARCH_X86, CS_MODE_64, &decoder->handle) == CS_ERR_OK) {
		cs_option(decoder->handle, CS_OPT_DETAIL, CS_OPT_ON);
		decoder->instruction = cs_malloc(decoder->handle);
		if (decoder->instruction)
			return decoder;
		cs_close(&decoder->handle);
	}
	free(decoder);
	return NULL;
}

void decoder_destroy(struct decoder *decoder)
{
	if (!decoder)
		return;
	cs_free(decoder->instruction, 1);
	cs_close(&decoder->handle);
	free(decoder);
}

static bool is_stack_pointer(const cs_x86_op *operand)
{
	return operand->type == X86_OP_REG &&
	       (operand->reg == X86_REG_RSP || operand->reg == X86_REG_ESP ||
		operand->reg == X86_REG_SP || operand->reg == X86_REG_SPL);
}

/* Reading the stack pointer is allowed where it is the second operand: only exchanges change it
 * there, which then have memory or a register first; so both count for them. */
static bool uses_its_place(const cs_insn *found)
{
	const cs_x86 *x86 = &found->detail->x86;

	for (unsigned i = 0; i < x86->op_count; i++) {
		const cs_x86_op *operand = &x86->operands[i];

		if (operand->type == X86_OP_MEM &&
		    (operand->mem.base == X86_REG_RIP || operand->mem.base == X86_REG_EIP))
			return true;
		if (is_stack_pointer(operand) &&
		    (i == 0 || found->id == X86_INS_XCHG || found->id == X86_INS_XADD))
			return true;
	}
	return false;
}

/* A bit or a word in memory is compared with zero. */
static bool is_zero_question(const cs_insn *found)
{
	const cs_x86 *x86 = &found->detail->x86;

	return x86->op_count == 2 && x86->operands[0].type == X86_OP_MEM &&
	       x86->operands[1].type == X86_OP_IMM &&
	       (found->id == X86_INS_TEST ||
		(found->id == X86_INS_CMP && x86->operands[1].imm == 0));
}

static void look_at_operands(const cs_insn *found, struct instruction *instruction)
{
	const cs_x86 *x86 = &found->detail->x86;
	bool memory = false;

	for (unsigned i = 0; i < x86->op_count; i++)
		memory |= x86->operands[i].type == X86_OP_MEM;
	instruction->moves = found->id == X86_INS_MOV || found->id == X86_INS_MOVABS;
	instruction->number =
		instruction->moves && x86->op_count == 2 && x86->operands[0].type == X86_OP_REG &&
		(x86->operands[0].reg == X86_REG_EAX || x86->operands[0].reg == X86_REG_RAX) &&
		x86->operands[1].type == X86_OP_IMM;
	instruction->asks_zero = is_zero_question(found);
	instruction->movable = instruction->movable && !uses_its_place(found);
	if (found->id == X86_INS_JMP && !instruction->jumps)
		instruction->kind = memory ? INSTRUCTION_POINTED : INSTRUCTION_COMPUTED;
}

/* False: processors do not agree on its length. */
static bool look_at_target(csh handle, const cs_insn *found, struct instruction *instruction)
{
	const cs_x86 *x86 = &found->detail->x86;

	instruction->jumps = cs_insn_group(handle, found, CS_GRP_BRANCH_RELATIVE) &&
			     x86->op_count == 1 && x86->operands[0].type == X86_OP_IMM;
	if (instruction->jumps)
		instruction->target = (uint64_t)x86->operands[0].imm;
	return !instruction->jumps || x86->prefix[2] != 0x66 || found->size == 3 || x86->rex & 8;
}

bool decoder_step(struct decoder *decoder, const struct image *image, uint64_t address,
		  uint64_t end, struct instruction *instruction)
{
	uint64_t room, at = address;
	const uint8_t *bytes = image_at(image, address, &room);
	const cs_insn *found = decoder->instruction;
	size_t size;

	*instruction = (struct instruction){ .address = address };
	if (!bytes || address >= end || !image_is_executable(image, address))
		return false;
	size = room < end - address ? room : end - address;
	/* None is longer. */
	size = size < 15 ? size : 15;
	if (!cs_disasm_iter(decoder->handle, &bytes, &size, &at, decoder->instruction))
		return false;
	instruction->size = (uint8_t)found->size;
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		if (list[i].id == found->id) {
			instruction->kind = (uint8_t)list[i].kind;
			instruction->movable = list[i].movable;
		}
	}
	if (!look_at_target(decoder->handle, found, instruction))
		return false;
	look_at_operands(found, instruction);
	return true;
}
