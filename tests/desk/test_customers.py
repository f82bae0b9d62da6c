"""Customers come in whole or not at all, and everybody with a number is found by it."""

from pathlib import Path

import pytest

from desk import customers, timeline
from desk.customers import ImportReport, parse_csv
from desk.db.engine import Database
from desk.errors import BadImport
from tests.rig.samples import NOW, count

FILE = """external_id,name,company,level,numbers,email,note
A1,张三,津门贸易,VIP,022-5345 6789/138 1234 5678,zhang@example.com,"老客户,
两行"
A2,李四,津门贸易,,+8613812345678;0086 22 53456789,,
,王五,,,,,
"""


async def test_everybody_with_a_number_is_found_whatever_form_it_was_written_in(
    db: Database,
) -> None:
    assert await db.write(customers.import_csv, FILE, NOW) == ImportReport(created=3)
    both = await db.read(customers.find_by_number, "+8613812345678")
    assert [c.name for c in both] == ["张三", "李四"]
    assert both[0].numbers == ("+862253456789", "+8613812345678")
    assert both[0].note == "老客户,\n两行"
    assert [c.name for c in await db.read(customers.find_by_number, "+862253456789")] == [
        "张三",
        "李四",
    ]
    assert await db.read(customers.find_by_number, "") == [], "王五 has no number"


async def test_the_same_file_again_changes_nothing(db: Database) -> None:
    await db.write(customers.import_csv, FILE, NOW)
    written = await db.read(timeline.last_seq)
    file = FILE.replace(",王五,,,,,", ",王五,,,022-53456780,,")
    assert await db.write(customers.import_csv, FILE.rsplit("\n", 2)[0], NOW) == ImportReport(
        unchanged=2
    )
    assert await db.write(customers.import_csv, file, NOW) == ImportReport(created=1, unchanged=2)
    assert await db.write(customers.import_csv, file, NOW) == ImportReport(unchanged=3)
    assert await db.read(timeline.last_seq) == written + 1


async def test_a_changed_customer_keeps_the_id_and_the_change_is_history(db: Database) -> None:
    await db.write(customers.import_csv, FILE, NOW)
    changed = "external_id,name,numbers\nA1,张三丰,022-53456780\n"
    assert await db.write(customers.import_csv, changed, NOW) == ImportReport(updated=1)
    [customer] = await db.read(customers.find_by_number, "+862253456780")
    assert (customer.id, customer.name, customer.version) == (1, "张三丰", 2)
    assert [c.name for c in await db.read(customers.find_by_number, "+8613812345678")] == ["李四"]
    [entry] = await db.read(timeline.entries_after, 3, 10, customer_id=1)
    assert entry.kind == "customer.updated"
    assert entry.body is not None
    assert entry.body["numbers"] == ["+862253456780"]


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        ("", "line 1: the column name is missing"),
        ("name\n张三\n", "line 1: the column numbers is missing"),
        ("name,numbers,name\n", "line 1: the column name is there twice"),
        ("name,numbers,colour\n", "line 1: unknown column 'colour'"),
        ("name,numbers\n,022-53456789\n", "line 2: the name is empty"),
        ("name,numbers\n张三,12\n", "line 2: '12' is no number"),
        ("name,numbers\n张三,022-53456789/abc\n", "line 2: 'abc' is no number"),
        ("name,numbers\n张三,022-53456789,x\n", "line 2: 3 fields, but 2 columns"),
        ("name,numbers,email\n张三,,nobody\n", "line 2: 'nobody' is no e-mail"),
        ("name,numbers\n" + "x" * 300 + ",\n", "line 2: name is longer"),
        ("name,numbers\n张\x1b三,\n", "line 2: name is longer than 200 characters or holds"),
        ("name,numbers\n\"两\n行\",\n李四,12\n", "line 4: '12' is no number"),
        ("name,numbers\n\"unclosed,\n", "not CSV"),
        ("external_id,name,numbers\nA,张三,\n\nA,李四,\n", "line 4: external_id 'A' is already"),
        ("name,numbers\n张三,022-53456789\n李四,12\n", "line 3: '12' is no number"),
    ],
)  # fmt: skip
async def test_a_wrong_file_is_refused_whole_with_the_line_and_the_mend(
    db: Database, file: str, problem: str
) -> None:
    with pytest.raises(BadImport) as refused:
        await db.write(customers.import_csv, file, NOW)
    assert any(problem in sentence for sentence in refused.value.problems), refused.value.problems
    assert await db.read(count, "customers") == 0


def test_all_problems_are_told_at_once_but_not_thousands() -> None:
    with pytest.raises(BadImport) as refused:
        parse_csv("name,numbers\n" + "张三,12\n" * 1000)
    assert len(refused.value.problems) == 51
    assert refused.value.problems[0].startswith("line 2:")
    assert refused.value.problems[-1] == "… and 950 more"


async def test_a_file_from_a_spreadsheet_is_understood(db: Database, tmp_path: Path) -> None:
    file = tmp_path / "c.csv"
    file.write_bytes("\ufeff姓名,电话,公司\r\n张三,53456789,津门\r\n".encode())
    await db.write(customers.import_csv, file, NOW)
    [customer] = await db.read(customers.find_by_number, "+862253456789")
    assert (customer.name, customer.company) == ("张三", "津门")
    file.write_bytes("姓名,电话\n张三,\n".encode("gb18030"))
    with pytest.raises(BadImport, match="UTF-8"):
        await db.write(customers.import_csv, file, NOW)


async def test_local_numbers_take_the_companys_own_area_code(db: Database) -> None:
    file = "name,numbers\n张三,53456789\n"
    await db.write(lambda c: customers.import_csv(c, file, NOW, home_area_code="021"))
    assert len(await db.read(customers.find_by_number, "+862153456789")) == 1


async def test_customers_are_found_by_name_company_or_external_id(db: Database) -> None:
    await db.write(customers.import_csv, FILE, NOW)

    async def found(**conditions: object) -> list[str]:
        return [c.name for c in await db.read(customers.search, **conditions)]  # type: ignore[arg-type]

    assert await found() == ["王五", "李四", "张三"]
    assert await found(text="津门") == ["李四", "张三"]
    assert await found(text="A2") == ["李四"]
    assert await found(level="VIP") == ["张三"]
    assert await found(limit=1, before=3) == ["李四"]
    assert await found(text="%") == []
    assert await db.read(customers.get, 99) is None


async def test_a_switchboards_number_shows_some_of_its_many_people(db: Database) -> None:
    file = "external_id,name,numbers\n" + "".join(f"{n},人{n},022-53456789\n" for n in range(60))
    await db.write(customers.import_csv, file, NOW)
    assert len(await db.read(customers.find_by_number, "+862253456789")) == 50
