"""What ops is told of signals' tables."""

from truth_kit.ops import Invariant, Ops

OPS = Ops(
    find="""
        SELECT request_id FROM truth.decision WHERE request_id = :ref OR record_id = :ref
        UNION ALL
        SELECT request_id FROM truth.signal JOIN truth.decision USING (record_id) WHERE signal_id = :ref
    """,
    steps="""
        SELECT 'signal' AS step, coalesce(signal_id, record_id) AS id,
               CASE WHEN signal_id IS NULL THEN 'withheld' ELSE 'emitted' END AS state, decided_at AS at,
               'service:signals' AS actor, NULL AS waits_for
          FROM truth.decision LEFT JOIN truth.signal USING (record_id, policy_name, policy_version)
         WHERE request_id = :request_id ORDER BY decided_at DESC LIMIT 1
    """,
    invariants=(
        Invariant(
            "signal_of_a_decision",
            "A Signal stands exactly where the policy had no reason against it.",
            """SELECT count(*) FROM truth.decision AS d
                 LEFT JOIN truth.signal AS own USING (record_id, policy_name, policy_version)
                WHERE reasons <> '[]' AND own.signal_id IS NOT NULL
                   OR reasons = '[]' AND NOT EXISTS (
                      SELECT FROM truth.signal AS s WHERE s.record_id = d.record_id)""",
        ),
    ),
)
