"""``gruenband report``: the file it writes, and what it says of folders that hold nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def test_a_page_is_written_whole(call: Any, cross: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert (
        call("run", cross, "--controller", "program", "--seeds", "1", "--jobs", "1", "--out", out).code == 0
    )
    answer = call("report", out)
    assert answer.code == 0
    assert answer.err == ""
    page = out / "report.html"
    assert answer.out.startswith(f"{page}: ")
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert text.rstrip().endswith("</html>")
    assert 'data-fixed="0"' in text

    german = tmp_path / "neu" / "bericht.html"
    assert call("report", out, "--out", german, "--language", "de").code == 0
    assert '<html lang="de" data-fixed="1">' in german.read_text(encoding="utf-8")

    half = next((out / "runs").iterdir())
    (half / "kpi.parquet").write_bytes(b"PAR1")
    answer = call("report", out)
    assert answer.code == 0
    assert answer.err.startswith(f"gruenband: left out: {half}: half-written")
    assert half.name in page.read_text(encoding="utf-8")

    assert "is a folder; name a file" in call("report", out, "--out", tmp_path).error
    assert "did you mean 'program'" in call("report", out, "--base", "programm").error


def test_folders_without_results_are_refused(call: Any, tmp_path: Path) -> None:
    assert (
        call("report", tmp_path).error
        == f"{tmp_path} has no results; name a folder that 'gruenband run' wrote"
    )
    missing = call("report", tmp_path / "nothing")
    assert missing.code == 2
    assert "does not exist" in missing.error
