/* crew.c: threads that take a unit, wait for its bytes, and run its jobs. Without the
 * GIL, all of it. Layer 5. */
#include "python/crew.h"

#include "group/group.h"

/* What the deepest encoder (libaom, libwebp) and the chain above it use, twice over. */
enum { STACK_BYTES = 2 << 20 };

/* --- queues ---------------------------------------------------------------------- */

static void
queue_put(py_queue *queue, py_unit *unit)
{
    unit->next = NULL;
    if (queue->last)
        queue->last->next = unit;
    else
        queue->first = unit;
    queue->last = unit;
    queue->count++;
}

static py_unit *
queue_take(py_queue *queue)
{
    py_unit *unit = queue->first;
    if (!unit)
        return NULL;
    queue->first = unit->next;
    queue->last = unit->next ? queue->last : NULL;
    queue->count--;
    return unit;
}

/* --- one unit -------------------------------------------------------------------- */

/* What its looks have taken is of its time. */
static void
start_clock(li_ctx *ctx, const py_job *job)
{
    int64_t left = job->timeout_ns - job->look.spent_ns;
    ctx->deadline_ns = job->timeout_ns ? li_now_ns() + left : 0;
}

static void
settle(py_job *job, li_status status)
{
    job->failed = status != LI_OK;
    job->settled = true;
}

/* What a job keeps taking when it ends well: of `taken`, which is all that there is if
 * the budget is smaller. */
static uint64_t
keep(py_job *job, uint64_t taken)
{
    job->kept = job->hold < taken ? job->hold : taken;
    return taken - job->kept;
}

/* Let others run while this one waits for its bytes; then its time begins. */
static li_status
wait_for_bytes(py_crew *crew, const py_job *job, li_ctx *ctx, uint64_t bytes,
               uint64_t *taken)
{
    li_slots_give(&crew->slots);
    li_status status = li_budget_take(&crew->budget, ctx, bytes, taken);
    li_slots_take(&crew->slots);
    if (status == LI_OK)
        start_clock(ctx, job);
    return status;
}

/* A job that looks before it is planned has its bytes meanwhile: an li_usher's. */
typedef struct queued {
    py_crew *crew;
    const py_job *job;
    li_ctx *ctx;
    uint64_t taken;
} queued;

static li_status
take_bytes(void *arg, uint64_t bytes)
{
    queued *self = arg;
    if (self->job->covered)
        return LI_OK;
    return wait_for_bytes(self->crew, self->job, self->ctx, bytes, &self->taken);
}

static void
give_bytes(void *arg)
{
    queued *self = arg;
    li_budget_give(&self->crew->budget, self->taken);
    self->taken = 0;
}

static li_status
look(py_crew *crew, py_job *job, li_source *source)
{
    queued line = {.crew = crew, .job = job, .ctx = &job->ctx};
    const li_usher usher = {&line, take_bytes, give_bytes};
    job->look.usher = &usher;
    li_status status = py_job_look(job, source);
    job->look.usher = NULL;
    return status;
}

/* The job has the source to itself, and opens it on its own context. */
static void
run_alone(py_crew *crew, py_job *job)
{
    li_source *source;
    uint64_t taken = 0;
    int64_t start = li_now_ns(), cpu = li_cpu_ns();
    job->input = (li_input){0}; /* of a group, what it borrowed is gone */
    start_clock(&job->ctx, job);
    li_status status = py_input_open(job, &job->ctx, &source, &job->input);
    li_plan_free(&job->ctx, &job->plan); /* of a group that was too large */
    if (status == LI_OK)
        status = py_input_extras(job, &job->ctx, source, &job->request, &job->input);
    if (status == LI_OK)
        status = look(crew, job, source);
    if (status == LI_OK)
        status = py_job_plan(job);
    uint64_t bytes = li_sat_add(job->plan.bytes, job->plan.out_bytes);
    bytes = bytes > job->hold ? bytes : job->hold;
    if (status == LI_OK && !job->covered)
        status = wait_for_bytes(crew, job, &job->ctx, bytes, &taken);
    if (status == LI_OK)
        status = py_job_run(job, source);
    status = li_source_blame(source, status);
    li_input_close(&job->input);
    li_source_close(&source);
    li_budget_give(&crew->budget, status == LI_OK ? keep(job, taken) : taken);
    job->total_ns = li_now_ns() - start;
    job->cpu_ns = li_cpu_ns() - cpu + job->times.ahead.cpu_ns;
    settle(job, status);
}

/* --- several jobs on one decode -----------------------------------------------------
 */

/* What a unit has while it runs. */
typedef struct party {
    py_crew *crew;
    py_unit *unit;
    li_ctx ctx; /* the source's */
    li_source *source;
    li_input input;
    li_branch
        *branches; /* owned; in the order of the jobs, but for those that failed */
    py_job **jobs; /* owned; of each branch */
    uint32_t count;
    li_group *group; /* owned */
} party;

static bool
looks(const py_job *job)
{
    return li_look_needed(job->steps, job->request.step_count);
}

/* A job's look, by a source on its own context: who looks in vain fails alone. */
static li_status
look_alone(party *self, py_job *job, const li_seen *seen, uint32_t count)
{
    li_source *source = NULL;
    li_status status = LI_OK;
    start_clock(&job->ctx, job);
    if (looks(job))
        status = py_input_open(job, &job->ctx, &source, &job->input);
    if (looks(job) && status == LI_OK)
        status = py_input_extras(job, &job->ctx, source, &job->request, &job->input);
    job->look.seen = seen;
    job->look.seen_count = count;
    if (status == LI_OK)
        status = look(self->crew, job, source);
    status = li_source_blame(source, status);
    li_source_close(&source);
    li_input_close(&job->input);
    job->look.seen_count = 0;
    return status;
}

/* Before they are planned together. A codec that is missing is for all of them: it will
 * be loaded, and all begin again. */
static li_status
look_first(party *self)
{
    enum { MOST_SEEN = 16 };
    li_seen seen[MOST_SEEN];
    uint32_t count = 0;
    for (uint32_t i = 0; i < self->unit->count; i++)
        if (looks(&self->unit->jobs[i]) &&
            py_hold_file(&self->ctx, self->unit->jobs, self->unit->count) != LI_OK)
            return self->ctx.status;
    for (uint32_t i = 0; i < self->unit->count; i++) {
        py_job *job = &self->unit->jobs[i];
        li_status status = look_alone(self, job, seen, count);
        if (status == LI_E112_CODEC)
            return li_pass_error(&job->ctx, &self->ctx);
        if (status != LI_OK)
            settle(job, status);
        else if (job->look.runs && count < MOST_SEEN)
            seen[count++] = (li_seen){job->steps, job->known, job->request.step_count,
                                      job->request.auto_orient, job->look.converts};
    }
    return LI_OK;
}

/* What went wrong before any of them began. */
static void
fail_jobs(party *self)
{
    for (uint32_t i = 0; i < self->unit->count; i++) {
        py_job *job = &self->unit->jobs[i];
        if (!job->settled)
            settle(job, li_pass_error(&self->ctx, &job->ctx));
    }
}

static void
plan_job(party *self, py_job *job)
{
    start_clock(&job->ctx, job);
    job->input = self->input;
    job->input.metadata.ctx = NULL; /* borrowed */
    li_status status = py_job_plan(job);
    job->input.icc = NULL; /* the party's */
    if (status != LI_OK) {
        settle(job, status);
        return;
    }
    self->jobs[self->count] = job;
    self->branches[self->count++] =
        (li_branch){.ctx = &job->ctx, .request = &job->request, .plan = &job->plan};
}

static li_status
open_party(party *self)
{
    py_unit *unit = self->unit;
    LI_TRY(li_alloc(&self->ctx, unit->count, sizeof(li_branch), &self->branches));
    LI_TRY(li_alloc(&self->ctx, unit->count, sizeof(py_job *), &self->jobs));
    LI_TRY(py_input_open(&unit->jobs[0], &self->ctx, &self->source, &self->input));
    li_request any = {0};
    for (uint32_t i = 0; i < unit->count; i++) {
        any.keep |= unit->jobs[i].request.keep;
        any.to_srgb |= unit->jobs[i].request.to_srgb;
        any.codec = any.codec ? any.codec : unit->jobs[i].request.codec;
    }
    LI_TRY(
        py_input_extras(&unit->jobs[0], &self->ctx, self->source, &any, &self->input));
    for (uint32_t i = 0; i < unit->count; i++)
        if (!unit->jobs[i].settled)
            plan_job(self, &unit->jobs[i]);
    return li_group_plan(&self->ctx, &self->input, self->branches, self->count,
                         (li_group_how){.slots = &self->crew->slots}, &self->group);
}

/* The source is verified once, after the last branch and before any result leaves: ctx
 * says what is wrong with it to all, also to those who took it for damage. */
static void
verify_source(party *self)
{
    li_status found = self->ctx.status;
    if (!self->source || (found == LI_OK && li_source_verify(self->source) == LI_OK) ||
        li_source_blame(self->source, found) == found)
        return;
    for (uint32_t i = 0; i < self->count; i++)
        if (self->jobs[i]->ctx.status == found)
            self->jobs[i]->ctx.status = LI_OK;
}

static void
finish_job(party *self, li_branch *branch, py_job *job)
{
    li_status status = li_pass_error(&self->ctx, &job->ctx);
    if (status == LI_OK && branch->status != LI_OK)
        status = li_fail(&job->ctx, branch->status, "run: the job did not end well");
    status = status == LI_OK ? py_layers_verify(job) : py_layers_blame(job, status);
    if (status == LI_OK)
        status = py_target_finish(job);
    py_target_close(job);
    settle(job, status);
    job->times = branch->times;
    job->total_ns = branch->total_ns + job->look.spent_ns;
    job->cpu_ns = branch->cpu_ns;
    job->threads = self->count;
}

/* Of the whole group, and of what some of its jobs hold: results are in both. */
static uint64_t
bytes_of(const party *self)
{
    uint64_t bytes =
        li_sat_add(li_group_bytes(self->group), li_group_out_bytes(self->group));
    for (uint32_t i = 0; i < self->count; i++)
        bytes = li_sat_add(bytes, self->jobs[i]->hold);
    return bytes;
}

static void
run_group(party *self)
{
    uint64_t taken = 0;
    const py_job *first = self->jobs[0];
    if (wait_for_bytes(self->crew, first, &self->ctx, bytes_of(self), &taken) !=
        LI_OK) {
        fail_jobs(self);
        return;
    }
    for (uint32_t i = 0; i < self->count; i++) {
        start_clock(&self->jobs[i]->ctx, first);
        /* One that cannot be opened fails its branch. */
        (void)!py_target_open(self->jobs[i], &self->branches[i].target);
    }
    li_group_run(self->group, self->source);
    verify_source(self);
    for (uint32_t i = 0; i < self->count; i++) {
        finish_job(self, &self->branches[i], self->jobs[i]);
        if (!self->jobs[i]->failed)
            taken = keep(self->jobs[i], taken);
    }
    li_budget_give(&self->crew->budget, taken);
}

static void
close_party(party *self)
{
    li_group_close(&self->group);
    li_input_close(&self->input);
    li_source_close(&self->source);
    li_free(&self->ctx, &self->jobs);
    li_free(&self->ctx, &self->branches);
}

/* Larger than the budget together: each for itself, then. */
static bool
fits(const party *self)
{
    uint64_t total = self->crew->budget.total;
    return !total || bytes_of(self) <= total;
}

static void
run_together(py_crew *crew, py_unit *unit)
{
    party self = {.crew = crew, .unit = unit, .ctx = li_ctx_part(&unit->jobs[0].ctx)};
    start_clock(&self.ctx, &unit->jobs[0]);
    if (look_first(&self) != LI_OK ||
        li_source_blame(self.source, open_party(&self)) != LI_OK)
        fail_jobs(&self);
    else if (self.group && fits(&self))
        run_group(&self);
    close_party(&self);
}

/* What was not settled together has the source alone. Nobody here waits for bytes that
 * one of this unit keeps: they are given back after the unit is done. */
static void
run_unit(py_crew *crew, py_unit *unit)
{
    bool kept = false;
    for (uint32_t i = 0; i < unit->count; i++)
        unit->jobs[i].ctx.pledge = &crew->pledge;
    li_slots_take(&crew->slots);
    if (unit->count > 1)
        run_together(crew, unit);
    for (uint32_t i = 0; i < unit->count; i++) {
        py_job *job = &unit->jobs[i];
        job->later = !job->settled && kept;
        if (!job->settled && !kept)
            run_alone(crew, job);
        kept = kept || job->kept > 0;
    }
    li_slots_give(&crew->slots);
}

/* --- threads --------------------------------------------------------------------- */

/* What may be begun: that which needs no bytes comes first. */
static py_unit *
next_unit(py_crew *crew, bool follows)
{
    py_unit *unit = queue_take(&crew->covered);
    return unit || follows ? unit : queue_take(&crew->waiting);
}

static void *
serve(py_crew *crew, bool follows)
{
    li_monitor_enter(&crew->monitor);
    for (;;) {
        py_unit *unit = next_unit(crew, follows);
        if (!unit && crew->closed)
            break;
        if (!unit) {
            li_monitor_wait(&crew->monitor);
            continue;
        }
        li_monitor_leave(&crew->monitor);
        run_unit(crew, unit);
        li_monitor_enter(&crew->monitor);
        queue_put(&crew->done, unit);
        li_monitor_wake_all(&crew->monitor);
    }
    li_monitor_leave(&crew->monitor);
    return NULL;
}

static void *
lead(void *arg)
{
    return serve(arg, false);
}

static void *
follow(void *arg)
{
    return serve(arg, true);
}

bool
py_crew_open(py_crew *crew, uint32_t workers, uint64_t bytes, bool alone)
{
    *crew = (py_crew){.workers = workers};
    if (!li_monitor_open(&crew->monitor))
        return false;
    if (li_slots_open(&crew->slots, workers)) {
        if (li_budget_open(&crew->budget, bytes, alone)) {
            if (li_monitor_open(&crew->pledge.monitor))
                return true;
            li_budget_close(&crew->budget);
        }
        li_slots_close(&crew->slots);
    }
    li_monitor_close(&crew->monitor);
    return false;
}

void
py_crew_close(py_crew *crew)
{
    li_monitor_enter(&crew->monitor);
    crew->closed = true;
    li_monitor_wake_all(&crew->monitor);
    li_monitor_leave(&crew->monitor);
    for (uint32_t i = 0; i < crew->started; i++)
        li_thread_join(crew->threads[i]);
    for (uint32_t i = 0; i < crew->followers; i++)
        li_thread_join(crew->following[i]);
    li_monitor_close(&crew->pledge.monitor);
    li_budget_close(&crew->budget);
    li_slots_close(&crew->slots);
    li_monitor_close(&crew->monitor);
}

void
py_crew_put(py_crew *crew, py_unit *unit)
{
    bool covered = unit->count == 1 && unit->jobs[0].covered;
    li_monitor_enter(&crew->monitor);
    queue_put(covered ? &crew->covered : &crew->waiting, unit);
    li_monitor_wake_all(&crew->monitor);
    li_monitor_leave(&crew->monitor);
    if (covered && crew->started && crew->followers < crew->workers &&
        li_thread_start(&crew->following[crew->followers], STACK_BYTES, follow, crew))
        crew->followers++;
    if (crew->started < crew->workers &&
        li_thread_start(&crew->threads[crew->started], STACK_BYTES, lead, crew))
        crew->started++;
}

py_unit *
py_crew_take(py_crew *crew, int64_t wait_ns)
{
    li_monitor_enter(&crew->monitor);
    if (!crew->done.first && crew->started)
        li_monitor_wait_ns(&crew->monitor, wait_ns);
    py_unit *unit = queue_take(&crew->done);
    if (!unit && !crew->started) /* no thread was to be had: the caller does it */
        unit = next_unit(crew, false);
    li_monitor_leave(&crew->monitor);
    if (unit && !crew->started)
        run_unit(crew, unit);
    return unit;
}
