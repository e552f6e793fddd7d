"""What ops is told of governance's tables."""

from truth_kit.ops import Invariant, Ops

OPS = Ops(
    find="""
        SELECT request_id FROM truth.task WHERE request_id = :ref OR task_id = :ref
        UNION ALL
        SELECT request_id FROM truth.job_creation JOIN truth.task USING (task_id) WHERE job_id = :ref
    """,
    steps="""
        SELECT 'task' AS step, task_id AS id, state, changed_at AS at,
               (SELECT actor FROM truth.decision AS d
                 WHERE d.task_id = task.task_id AND d.version = task.version) AS actor,
               CASE state WHEN 'pending_review' THEN 'a person: the review'
                          WHEN 'info_requested' THEN 'a person: the requester''s answer'
                          WHEN 'approved' THEN 'a person: an assignment'
                          WHEN 'assigned' THEN 'a person: Create Job' END AS waits_for
          FROM truth.task WHERE request_id = :request_id
        UNION ALL
        SELECT 'create_job', job_id, 'created', at, actor, NULL
          FROM truth.job_creation JOIN truth.task USING (task_id) WHERE request_id = :request_id
    """,
    waiting="""
        SELECT 'task' AS step, state, count(*) AS count, min(changed_at) AS oldest_at FROM truth.task
         WHERE state IN ('pending_review', 'info_requested', 'approved', 'assigned') GROUP BY state
    """,
    invariants=(
        Invariant(
            "job_by_create_job",
            "A Task is promoted exactly when Create Job made its Job.",
            """SELECT count(*) FROM truth.task LEFT JOIN truth.job_creation USING (task_id)
                WHERE (state = 'promoted') <> (job_id IS NOT NULL)""",
        ),
        Invariant(
            "job_created_by_a_person",
            "Create Job was given by a person, over what that person prepared.",
            """SELECT count(*) FROM truth.job_creation AS c
                WHERE actor NOT LIKE 'person:%' OR NOT EXISTS (
                    SELECT FROM truth.preparation AS p
                     WHERE p.digest = c.digest AND p.job_id = c.job_id AND p.prepared_by = c.actor)""",
        ),
        Invariant(
            "own_request_not_approved",
            "Nobody approved a request that they made or entered.",
            "SELECT count(*) FROM truth.task WHERE approved_by IN (requested_by, requested_for)",
        ),
    ),
)
