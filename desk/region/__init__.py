"""Region of a caller from the caller id: `locate("02253456789", "022").city == "天津"`."""

from desk.region.area_codes import areas
from desk.region.caller import Caller, Kind
from desk.region.locate import locate
from desk.region.table import Region, RegionTable, RegionTableError

__all__ = ["Caller", "Kind", "Region", "RegionTable", "RegionTableError", "areas", "locate"]
