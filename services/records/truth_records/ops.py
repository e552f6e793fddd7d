"""What ops is told of records' tables."""

from truth_kit.ops import Invariant, Ops

_LACKS = """EXISTS (SELECT FROM truth.evidence AS e WHERE e.record_id = completion.record_id
    AND NOT EXISTS (SELECT FROM truth.evidence_copy AS c WHERE c.sha256 = e.sha256))"""

OPS = Ops(
    find="""SELECT request_id FROM truth.completion
             WHERE request_id = :ref OR service_event_id = :ref OR record_id = :ref""",
    steps=f"""
        SELECT 'record' AS step, completion.record_id AS id,
               CASE WHEN idx IS NULL THEN 'drafted' ELSE 'sealed at ' || idx END AS state,
               CASE WHEN idx IS NULL THEN drafted_at ELSE
                    (SELECT signed_at FROM truth.checkpoint WHERE size > idx ORDER BY size LIMIT 1) END AS at,
               'service:records' AS actor,
               CASE WHEN idx IS NOT NULL THEN NULL
                    WHEN {_LACKS} THEN 'missing bytes: evidence that is not copied yet'
                    ELSE 'the sealer' END AS waits_for
          FROM truth.completion LEFT JOIN truth.record USING (record_id) WHERE request_id = :request_id
    """,  # noqa: S608 a constant
    waiting=f"""
        SELECT 'record' AS step, CASE WHEN {_LACKS} THEN 'lacks evidence' ELSE 'to be sealed' END AS state,
               count(*) AS count, min(drafted_at) AS oldest_at
          FROM truth.draft JOIN truth.completion USING (record_id) GROUP BY 2
    """,  # noqa: S608 a constant
    invariants=(
        Invariant(
            "record_for_a_completion",
            "Every Record is that of a completed ServiceEvent.",
            """SELECT count(*) FROM truth.record LEFT JOIN truth.completion USING (record_id)
                WHERE completion.record_id IS NULL""",
        ),
        Invariant(
            "completion_is_kept",
            "Every completion is sealed or waits as a draft, never both and never neither.",
            """SELECT count(*) FROM truth.completion
                 LEFT JOIN truth.record USING (record_id) LEFT JOIN truth.draft USING (record_id)
                WHERE (idx IS NULL) = (n IS NULL)""",
        ),
        Invariant(
            "log_covers_every_record",
            "The newest checkpoint counts every Record.",
            """SELECT count(*) FROM truth.record
                WHERE idx >= coalesce((SELECT max(size) FROM truth.checkpoint), 0)""",
        ),
        Invariant(
            "audit_is_clean",
            "The last audit of the log found nothing.",
            """SELECT count(*) FROM (SELECT findings FROM truth.audit ORDER BY id DESC LIMIT 1) AS last
                WHERE findings <> ''""",
        ),
    ),
)
