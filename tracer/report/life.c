/* Objects come and go: INIT and DESTROY, and finding what is meant by an address. */
#include "tracer/report/step.h"
#include "tracer/report/watch.h"

#include <string.h>

static uint32_t process_of(const struct moment *at)
{
	return at->locks->family.threads[at->thread].process;
}

/* Caches know an object that is retired, but not one that their process shares no more. */
static void forget_cached(struct locks *locks)
{
	for (size_t i = 0; i < locks->trace->thread_count; i++)
		memset(locks->actors[i].cached, 0, sizeof(locks->actors[i].cached));
	locks->objects.redirected = false;
}

struct object *step_look_up(const struct step *step, uint64_t address, enum object_type type)
{
	struct locks *locks = step->at.locks;
	struct object *object =
		objects_get(&locks->objects, process_of(&step->at), address, type, step->at.when);

	if (locks->objects.redirected)
		forget_cached(locks);
	locks->no_memory |= !object;
	return object;
}

void life_init(const struct step *step)
{
	const enum object_type type = step->meaning->type;
	struct object *object = objects_renew(&step->at.locks->objects, process_of(&step->at),
					      step_value(step), type, step->at.when);

	if (step->at.locks->objects.redirected)
		forget_cached(step->at.locks);
	step->at.locks->no_memory |= !object;
	if (!object)
		return;
	object->inited = true;
	object->bits = (uint8_t)step_detail(step);
	object->creator = step->count > 1 ? step->record[1].operand : 0;
	/* Where sharing is all that the detail tells, any bit of it is meant. */
	object->shared = type == OBJECT_MUTEX || type == OBJECT_RWLOCK || type == OBJECT_COND ?
				 (step_detail(step) & TRACE_INIT_SHARED) != 0 :
				 step_detail(step) != 0;
	if ((type == OBJECT_SEM || type == OBJECT_BARRIER) && step->count > 2)
		object->count = step->record[2].operand;
	if (type == OBJECT_SEM)
		object->no_hold = object->count == 1 ? NULL : "it did not begin with 1";
	if (step->at.locks->watch)
		watch_made(&step->at, object);
}

/* A name that is opened again gives the same semaphore. */
void life_open(const struct step *step)
{
	struct object *object;
	char name[256];
	size_t args = 0;

	if (step_value(step) == 0 || step_detail(step) != 0)
		return;
	object = step_object(step, step_value(step), OBJECT_SEM);
	while (args + 1 < step->count && record_kind(&step->record[args + 1]) == TRACE_ARG)
		args++;
	if (!object || object->name || args < 2)
		return;
	trace_text(step->record + 2, args - 1, name, sizeof(name));
	object->inited = true;
	object->shared = true;
	object->creator = step->record[1].operand;
	object->name = strdup(name);
	step->at.locks->no_memory |= !object->name;
}

void life_destroy(const struct step *step)
{
	struct object *object;

	if (step_detail(step) != 0)
		return;
	object = step_object(step, step_value(step), step->meaning->type);
	if (!object)
		return;
	object->retired = true;
	hold_lose(&step->at, object);
}
