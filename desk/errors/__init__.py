"""What can go wrong in the desk. Every error has a stable `error_id`, says whether trying again
may help (`retryable`), and reads as one sentence with the mend.
"""

from desk.errors.database import (
    DatabaseBusy,
    DatabaseClosed,
    DatabaseError,
    DatabaseOverloaded,
    DatabaseUnavailable,
    SchemaMismatch,
)
from desk.errors.kinds import (
    BadImport,
    DeskError,
    NotFound,
    NotPossibleNow,
    Refused,
    Unacceptable,
    VersionConflict,
)
from desk.errors.missing import (
    NoSuchAgent,
    NoSuchCall,
    NoSuchCallback,
    NoSuchCustomer,
    NoSuchHandover,
    NoSuchLiveCall,
    NoSuchRecording,
    NoSuchTalk,
    NoSuchTicket,
    NoSuchToken,
)
from desk.errors.tickets import (
    BadFields,
    CallHasTicket,
    ConfirmationRefused,
    HandoverRefused,
    NotLinkable,
    NotSplittable,
    RoleNotAllowed,
    TransitionIncomplete,
    TransitionRefused,
)

__all__ = [
    "BadFields",
    "BadImport",
    "CallHasTicket",
    "ConfirmationRefused",
    "DatabaseBusy",
    "DatabaseClosed",
    "DatabaseError",
    "DatabaseOverloaded",
    "DatabaseUnavailable",
    "DeskError",
    "HandoverRefused",
    "NoSuchAgent",
    "NoSuchCall",
    "NoSuchCallback",
    "NoSuchCustomer",
    "NoSuchHandover",
    "NoSuchLiveCall",
    "NoSuchRecording",
    "NoSuchTalk",
    "NoSuchTicket",
    "NoSuchToken",
    "NotFound",
    "NotLinkable",
    "NotPossibleNow",
    "NotSplittable",
    "Refused",
    "RoleNotAllowed",
    "SchemaMismatch",
    "TransitionIncomplete",
    "TransitionRefused",
    "Unacceptable",
    "VersionConflict",
]
