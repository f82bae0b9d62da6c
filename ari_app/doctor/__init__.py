"""What `huisheng doctor` looks at: each finding says what is so and, if need be, the mend.

The doctor changes nothing, works whether or not a line runs, and ends within `DOCTOR_SECONDS`
whatever hangs.
"""

from ari_app.doctor.examination import DOCTOR_SECONDS, examine
from ari_app.doctor.finding import TITLES, Finding, Level

__all__ = ["DOCTOR_SECONDS", "TITLES", "Finding", "Level", "examine"]
