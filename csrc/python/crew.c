/* crew.c: threads that take a unit, wait for its bytes, and run its jobs. Without the
 * GIL, all of it. Layer 4. */
#include "python/crew.h"

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

static void
start_clock(li_ctx *ctx, const py_job *job)
{
    ctx->deadline_ns = job->timeout_ns ? li_now_ns() + job->timeout_ns : 0;
}

static uint64_t
ticket_of(const py_job *job)
{
    return li_sat_add(job->plan.bytes, job->plan.out_bytes);
}

/* Let others run while this one waits for its bytes; then its time begins. */
static li_status
wait_for_bytes(py_crew *crew, py_job *job, uint64_t bytes, uint64_t *taken)
{
    li_slots_give(&crew->slots);
    li_status status = li_budget_take(&crew->budget, &job->ctx, bytes, taken);
    li_slots_take(&crew->slots);
    if (status == LI_OK)
        start_clock(&job->ctx, job);
    return status;
}

static void
run_alone(py_crew *crew, py_job *job)
{
    li_source *source;
    uint64_t taken = 0;
    int64_t start = li_now_ns(), cpu = li_cpu_ns();
    start_clock(&job->ctx, job);
    li_status status = py_input_open(job, &job->ctx, &source, &job->input);
    if (status == LI_OK)
        status = li_plan_make(&job->ctx, &job->input, &job->request, &job->plan);
    if (status == LI_OK)
        status = wait_for_bytes(crew, job, ticket_of(job), &taken);
    if (status == LI_OK)
        status = py_job_run(job, source);
    li_source_close(&source);
    li_budget_give(&crew->budget, taken);
    job->total_ns = li_now_ns() - start;
    job->cpu_ns = li_cpu_ns() - cpu + job->times.ahead.cpu_ns;
    job->failed = status != LI_OK;
}

static void
run_unit(py_crew *crew, py_unit *unit)
{
    li_slots_take(&crew->slots);
    for (uint32_t i = 0; i < unit->count; i++)
        run_alone(crew, &unit->jobs[i]);
    li_slots_give(&crew->slots);
}

/* --- threads --------------------------------------------------------------------- */

static void *
lead(void *arg)
{
    py_crew *crew = arg;
    li_monitor_enter(&crew->monitor);
    for (;;) {
        py_unit *unit = queue_take(&crew->waiting);
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

bool
py_crew_open(py_crew *crew, uint32_t workers, uint64_t bytes, bool alone)
{
    *crew = (py_crew){.workers = workers};
    if (!li_monitor_open(&crew->monitor))
        return false;
    if (li_slots_open(&crew->slots, workers)) {
        if (li_budget_open(&crew->budget, bytes, alone))
            return true;
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
    li_budget_close(&crew->budget);
    li_slots_close(&crew->slots);
    li_monitor_close(&crew->monitor);
}

void
py_crew_put(py_crew *crew, py_unit *unit)
{
    li_monitor_enter(&crew->monitor);
    queue_put(&crew->waiting, unit);
    li_monitor_wake_all(&crew->monitor);
    li_monitor_leave(&crew->monitor);
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
        unit = queue_take(&crew->waiting);
    li_monitor_leave(&crew->monitor);
    if (unit && !crew->started)
        run_unit(crew, unit);
    return unit;
}
