"""What ops is told of execution's tables."""

from truth_kit.ops import Invariant, Ops

OPS = Ops(
    find="""
        SELECT request_id FROM truth.job WHERE request_id = :ref OR task_id = :ref OR job_id = :ref
        UNION ALL
        SELECT request_id FROM truth.service_event JOIN truth.job USING (job_id) WHERE service_event_id = :ref
    """,
    steps="""
        SELECT 'job' AS step, job.job_id AS id, job.state, job.changed_at AS at, changed_by AS actor,
               CASE WHEN job.state = 'queued' THEN 'a person: the claim'
                    WHEN service_event_id IS NULL THEN 'a person: the start' END AS waits_for
          FROM truth.job LEFT JOIN truth.service_event USING (job_id) WHERE request_id = :request_id
        UNION ALL
        SELECT 'service_event', service_event_id, coalesce(outcome, service_event.state),
               service_event.changed_at, service_event.claimed_by,
               CASE WHEN service_event.state <> 'completed' THEN 'a person: the completion' END
          FROM truth.service_event JOIN truth.job USING (job_id) WHERE request_id = :request_id
    """,
    waiting="""
        SELECT 'job' AS step, state, count(*) AS count, min(changed_at) AS oldest_at FROM truth.job
         WHERE state = 'queued' GROUP BY state
        UNION ALL
        SELECT 'job', 'claimed', count(*), min(job.changed_at) FROM truth.job
         WHERE state = 'claimed' AND NOT EXISTS (
               SELECT FROM truth.service_event WHERE service_event.job_id = job.job_id) HAVING count(*) > 0
        UNION ALL
        SELECT 'service_event', state, count(*), min(changed_at) FROM truth.service_event
         WHERE state <> 'completed' GROUP BY state
    """,
    invariants=(
        Invariant(
            "claimed_by_the_assigned",
            "Who claimed a Job is who it was assigned to, and who worked on it.",
            """SELECT count(*) FROM truth.job LEFT JOIN truth.service_event USING (job_id)
                WHERE job.claimed_by <> 'person:' || operator_id
                   OR service_event.claimed_by IS DISTINCT FROM job.claimed_by
                      AND service_event_id IS NOT NULL""",
        ),
        Invariant(
            "closed_by_completion",
            "A Job is closed exactly when its ServiceEvent is completed.",
            """SELECT count(*) FROM truth.job LEFT JOIN truth.service_event USING (job_id)
                WHERE (job.state = 'closed') <> (service_event.state IS NOT DISTINCT FROM 'completed')""",
        ),
        Invariant(
            "no_job_on_planned_surface",
            "No Job stands on a planned surface.",
            "SELECT count(*) FROM truth.job WHERE maturity NOT IN ('partial', 'live')",
        ),
    ),
)
