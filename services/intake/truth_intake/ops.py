"""What ops is told of intake's tables."""

from truth_kit.ops import Invariant, Ops

OPS = Ops(
    find="SELECT request_id FROM truth.intake WHERE request_id = :ref",
    steps="""
        SELECT 'request' AS step, request_id AS id, 'received by ' || door AS state, received_at AS at, actor,
               NULL AS waits_for
          FROM truth.intake WHERE request_id = :request_id
        UNION ALL
        SELECT 'intake', request_id, 'accepted', accepted_at, 'service:intake', NULL
          FROM truth.intake WHERE request_id = :request_id
    """,
    invariants=(
        Invariant(
            "intake_is_sealed",
            "Every Intake has its two signed steps, the request and the intake.",
            """SELECT count(*) FROM truth.intake AS i
                WHERE (SELECT count(*) FROM truth.step AS s WHERE s.request_id = i.request_id) <> 2""",
        ),
        Invariant(
            "intake_on_open_surface",
            "No Intake was accepted on a planned surface.",
            """SELECT count(*) FROM truth.intake JOIN truth.surface
                   ON name = surface AND version = surface_version
                WHERE surface.maturity = 'planned' OR surface.maturity <> intake.maturity""",
        ),
    ),
)
