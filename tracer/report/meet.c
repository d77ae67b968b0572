/* Conditions, barriers, once controls and joins: what threads wait at and nobody holds. */
#include "tracer/report/step.h"
#include "tracer/report/watch.h"

#include <errno.h>

static struct object_meeting *meeting_of(const struct step *step, struct object **object)
{
	struct object_meeting *meeting;

	*object = step_object(step, step_value(step), step->meaning->type);
	if (!*object)
		return NULL;
	meeting = object_meeting(*object);
	step->at.locks->no_memory |= !meeting;
	return meeting;
}

void meet_wait(const struct step *step)
{
	struct object *object;
	struct object_meeting *meeting = meeting_of(step, &object);
	struct pending *pending;

	if (!meeting)
		return;
	pending = wait_begin(&step->at, (enum wait_kind)step->meaning->mode, object);
	meeting->waits++;
	meeting->waiters++;
	if (object->type != OBJECT_COND || step->count < 2)
		return;
	pending->before = meeting->signals + meeting->broadcasts;
	pending->mutex = step_object(step, step->record[1].operand, OBJECT_MUTEX);
	meeting->mutex = pending->mutex;
	if (pending->mutex)
		step->at.locks->no_memory |= !object_use(pending->mutex, OBJECT_ALONE);
	pending->held = hold_end(&step->at, step->record[1].operand, OBJECT_MUTEX);
}

/* The mutex is the thread's again, unless the call was refused and did nothing at all. */
static void take_again(const struct step *step, const struct pending *ended)
{
	struct object *mutex = ended->mutex;
	struct object_use *use;

	if (!mutex || ((step_detail(step) == EPERM || step_detail(step) == EINVAL) && !ended->held))
		return;
	use = object_use(mutex, OBJECT_ALONE);
	step->at.locks->no_memory |= !use;
	if (use)
		use->reacquisitions++;
	if (step->at.locks->watch)
		watch_acquire_again(&step->at, mutex);
	hold_begin(&step->at, mutex, OBJECT_ALONE);
}

static void count_return(struct object_meeting *meeting, const struct step *step,
			 const struct pending *ended)
{
	meeting->returns++;
	if (step->meaning->type == OBJECT_BARRIER) {
		meeting->serial += step_detail(step) == 1;
	} else if (step_detail(step) == ETIMEDOUT) {
		meeting->timeouts++;
	} else if (step_detail(step) != 0) {
		meeting->failures++;
	} else if (step->meaning->type == OBJECT_COND) {
		meeting->unsignalled +=
			ended && ended->before == meeting->signals + meeting->broadcasts;
	}
}

void meet_return(const struct step *step)
{
	struct object *object;
	struct object_meeting *meeting = meeting_of(step, &object);
	struct pending ended;

	if (!meeting)
		return;
	if (!wait_end(&step->at, (enum wait_kind)step->meaning->mode, object, 0, &ended)) {
		count_return(meeting, step, NULL); /* its wait is before the window */
		return;
	}
	meeting->waiters -= meeting->waiters > 0;
	count_return(meeting, step, &ended);
	hold_measure(step->at.locks, &meeting->wait,
		     hold_duration(&step->at, ended.since, ended.position));
	if (object->type == OBJECT_COND)
		take_again(step, &ended);
}

/* A waiter that was woken but has not come back yet still counts as one. */
void meet_signal(const struct step *step)
{
	struct object *object;
	struct object_meeting *meeting = meeting_of(step, &object);

	if (!meeting)
		return;
	meeting->signals++;
	meeting->unheard_signals += meeting->waiters == 0;
}

void meet_broadcast(const struct step *step)
{
	struct object *object;
	struct object_meeting *meeting = meeting_of(step, &object);

	if (!meeting)
		return;
	meeting->broadcasts++;
	meeting->unheard_broadcasts += meeting->waiters == 0;
}

void meet_join(const struct step *step)
{
	wait_begin(&step->at, WAIT_JOIN, NULL)->handle = step_value(step);
}

void meet_joined(const struct step *step)
{
	struct pending ended;

	wait_end(&step->at, WAIT_JOIN, NULL, step_value(step), &ended);
	if (step->at.locks->watch && step_detail(step) == 0)
		watch_joined(&step->at, step_value(step));
}
