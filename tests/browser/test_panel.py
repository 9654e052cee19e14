"""The panel beside a notebook: what people see and do, and that it is true."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
from _lab import LabPage, LabServer, Notebook, wait_for
from playwright.sync_api import Locator, expect

Deploy = Callable[..., None]


@pytest.fixture
def panel(lab: LabPage) -> Locator:
    """The panel in the sidebar, without a selected model."""
    panel = lab.show_panel()
    close = panel.locator("[data-action=close]")
    if close.count():
        close.click()
    panel.get_by_label("Filter models").fill("")
    return panel


def row(panel: Locator, name: str, state: str = "") -> Locator:
    suffix = f"[data-state={state}]" if state else ""
    return panel.locator(f'.mlk-row[data-model="{name}"]{suffix}')


def act(panel: Locator, name: str, action: str) -> None:
    """Press a button of a row."""
    row(panel, name).hover()
    row(panel, name).locator(f"[data-action={action}]").click()


def details(panel: Locator, name: str, tab: str = "times") -> Locator:
    """Select a model and show one of its tabs."""
    row(panel, name).click()
    panel.locator(f".mlk-tab[data-tab={tab}]").click()
    return panel.locator(f'[data-selected="{name}"]')


def remembered(lab: LabPage, selector: str, attribute: str) -> Callable[[], list[str]]:
    """Note all values an element's attribute takes from now on; return how to read them."""
    lab.page.evaluate(
        """([selector, attribute]) => {
            const node = document.querySelector(selector);
            const seen = window.seenValues = [node.getAttribute(attribute)];
            new MutationObserver(() => seen.push(node.getAttribute(attribute)))
                .observe(node, {attributeFilter: [attribute]});
        }""",
        [selector, attribute],
    )
    return lambda: lab.page.evaluate("window.seenValues")  # type: ignore[no-any-return]


def test_says_how_to_begin_when_there_is_no_model(server: LabServer, panel: Locator) -> None:
    for model in server.request("GET", "models")["models"]:
        server.request("DELETE", f"models/{model['name']}")
    expect(panel.locator(".mlk-empty")).to_contain_text("No models yet")
    expect(panel.locator(".mlk-empty code")).to_contain_text(".deploy(")
    expect(panel).to_have_attribute("data-connection", "live")


def test_a_model_deployed_in_a_cell_appears_by_itself(panel: Locator, notebook: Notebook) -> None:
    notebook.add_cell("service = kraken.deploy(double, 'from-cell', example=[1.0])\nservice")
    told = notebook.run_cell(1)
    shown = row(panel, "from-cell", "running")
    shown.wait_for()
    address = shown.locator("code").inner_text()
    assert address.startswith("127.0.0.1:")
    assert address in told
    expect(shown).to_have_attribute("data-version", "1")
    notebook.execute("service = kraken.deploy(lambda xs: xs, 'from-cell', example=[1.0])")
    expect(shown).to_have_attribute("data-version", "2")


def test_every_query_becomes_a_point(
    panel: Locator, lab: LabPage, notebook: Notebook, deploy: Deploy
) -> None:
    deploy("timed")
    chart = details(panel, "timed").locator("[data-points]")
    expect(chart).to_have_attribute("data-points", "0")
    expect(chart).to_contain_text("No queries yet: each one becomes a point here.")
    lab.page.evaluate(
        """() => {
            const chart = document.querySelector('#mlkraken-panel [data-points]');
            window.pointsAt = {};
            new MutationObserver(() => {
                const now = performance.timeOrigin + performance.now();
                window.pointsAt[chart.dataset.points] ??= now;
            }).observe(chart, {attributeFilter: ['data-points']});
        }"""
    )
    delays = []
    for number in range(1, 11):
        code = "import time; service.predict([1.0]); print(time.time())"
        answered = float(notebook.execute(code)) * 1000
        expect(chart).to_have_attribute("data-points", str(number))
        delays.append(lab.page.evaluate("n => window.pointsAt[n]", str(number)) - answered)
    delays.sort()
    print(f"\nfrom answer to point: median {delays[5]:.0f} ms, slowest {delays[-1]:.0f} ms")
    assert delays[5] < 2000
    notebook.execute("for _ in range(500): service.predict([1.0, 2.0])")
    expect(chart).to_have_attribute("data-points", "510")
    plot = chart.get_by_role("img")
    wait_for(lambda: "510 queries" in (plot.get_attribute("aria-label") or ""))


def test_stop_and_start_change_what_the_kernel_sees(
    panel: Locator, notebook: Notebook, deploy: Deploy
) -> None:
    deploy("switched")
    shown_ms = row(panel, "switched", "running").evaluate(
        """async row => {
            const began = performance.now();
            const changed = new Promise(done => {
                const told = new MutationObserver(() => done(performance.now() - began));
                told.observe(row, {attributeFilter: ['data-state']});
            });
            row.querySelector('[data-action=stop]').click();
            return changed;
        }"""
    )
    print(f"\nfrom click to 'stopping…': {shown_ms:.0f} ms")
    assert shown_ms < 2000
    row(panel, "switched", "stopped").wait_for()
    assert notebook.execute("print(service.state)") == "stopped"
    act(panel, "switched", "start")
    row(panel, "switched", "running").wait_for()
    wait_for(lambda: notebook.execute("print(service.state)") == "running")
    assert notebook.execute("print(service.predict([2.0])[0])") == "4.0"


def test_restart_is_a_new_process(panel: Locator, server: LabServer, deploy: Deploy) -> None:
    deploy("again")

    def replica() -> str:
        endpoints = server.request("GET", "models/again/versions/1/service")["endpoints"]
        return str(endpoints[0]["replica"]) if endpoints else ""

    before = wait_for(replica)
    act(panel, "again", "restart")
    wait_for(lambda: replica() not in ("", before))
    row(panel, "again", "running").wait_for()


def test_delete_asks_first(lab: LabPage, panel: Locator, server: LabServer, deploy: Deploy) -> None:
    deploy("doomed")
    act(panel, "doomed", "delete")
    dialog = lab.page.get_by_role("dialog")
    expect(dialog).to_contain_text("doomed")
    expect(dialog).to_contain_text("for good")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    assert server.request("GET", "models/doomed")["name"] == "doomed"
    act(panel, "doomed", "delete")
    dialog.get_by_role("button", name="Delete").click()
    expect(row(panel, "doomed")).to_have_count(0)
    names = [model["name"] for model in server.request("GET", "models")["models"]]
    assert "doomed" not in names


def test_logs_follow_and_stay_where_one_reads(panel: Locator, notebook: Notebook) -> None:
    notebook.execute(
        "def chatty(xs):\n"
        "    for x in xs: print(f'\\x1b[31mline {x:.0f}\\x1b[0m <b>bold</b>', flush=True)\n"
        "    return xs\n"
        "service = kraken.deploy(chatty, 'chatty', example=[0.0])"
    )
    log = details(panel, "chatty", "logs").get_by_role("log")
    notebook.execute("service.predict([float(x) for x in range(100, 400)])")
    expect(log).to_contain_text("line 399 <b>bold</b>")
    assert "\x1b" not in log.inner_text()
    assert log.locator("b").count() == 0
    at_end = "node => node.scrollHeight - node.scrollTop - node.clientHeight < 24"
    wait_for(lambda: log.evaluate(at_end), what="the newest line is in sight")
    log.evaluate("node => { node.scrollTop = 100 }")
    follow = panel.locator("[data-action=follow]")
    follow.wait_for()
    notebook.execute("service.predict([float(x) for x in range(400, 500)])")
    expect(log).to_contain_text("line 499")
    assert log.evaluate("node => node.scrollTop") == 100
    follow.click()
    wait_for(lambda: log.evaluate(at_end), what="it follows again")


def test_a_failed_model_says_why(
    panel: Locator, notebook: Notebook, server: LabServer, lab: LabPage
) -> None:
    # It loads where it is checked before deploying, and no more once the file is there.
    flag = server.folder / "fail"
    notebook.execute(
        "class Fragile:\n"
        "    def __setstate__(self, state):\n"
        "        import pathlib\n"
        f"        if pathlib.Path({str(flag)!r}).exists(): raise RuntimeError('the disk is gone')\n"
        "    def __getstate__(self): return {'a': 1}\n"
        "    def predict(self, xs): return xs\n"
        "service = kraken.deploy(Fragile(), 'fragile', example=[1.0])"
    )
    flag.touch()
    act(panel, "fragile", "restart")
    failed = row(panel, "fragile", "failed")
    failed.wait_for()
    assert failed.locator(".mlk-why").inner_text()
    facts = details(panel, "fragile", "details")
    expect(facts.get_by_label("Why it failed")).to_contain_text("the disk is gone")
    flag.unlink()
    act(panel, "fragile", "start")
    row(panel, "fragile", "running").wait_for()


def test_details_tell_the_facts(panel: Locator, server: LabServer, deploy: Deploy) -> None:
    deploy("facts", description="Twice as much", tags={"team": "crm"})
    facts = details(panel, "facts", "details")
    digest = server.request("GET", "models/facts/versions")["versions"][0]["digest"]
    for told in ("Twice as much", "team=crm", "Restarts", "python", digest, "live"):
        expect(facts).to_contain_text(told)
    expect(facts.locator(".mlk-events li").first).to_be_visible()


def test_the_address_is_copied(
    lab: LabPage, panel: Locator, notebook: Notebook, deploy: Deploy
) -> None:
    deploy("copied")
    act(panel, "copied", "copy")
    address = lab.page.evaluate("navigator.clipboard.readText()")
    assert address in notebook.execute("print(service.url)")


def test_rows_by_keyboard(lab: LabPage, panel: Locator, deploy: Deploy) -> None:
    for name in ("keys-a", "keys-b", "keys-c"):
        deploy(name, start=False)
    panel.get_by_label("Filter models").fill("keys-")
    expect(panel.locator(".mlk-row")).to_have_count(3)
    row(panel, "keys-a").focus()
    lab.page.keyboard.press("ArrowDown")
    lab.page.keyboard.press("ArrowDown")
    expect(row(panel, "keys-c")).to_be_focused()
    lab.page.keyboard.press("Home")
    lab.page.keyboard.press("ArrowDown")
    lab.page.keyboard.press("Enter")
    expect(row(panel, "keys-b")).to_have_attribute("aria-selected", "true")
    expect(panel.locator("[data-selected=keys-b]")).to_be_visible()
    lab.page.keyboard.press("Tab")
    focused = "document.activeElement.getAttribute('aria-label')"
    assert "keys-b" in lab.page.evaluate(focused)


def test_foreign_html_stays_text(lab: LabPage, panel: Locator, deploy: Deploy) -> None:
    attack = "<img src=x onerror='window.attacked = true'><script>window.attacked = true</script>"
    deploy("attack", start=False, description=attack, tags={"<b>": attack})
    expect(details(panel, "attack", "details")).to_contain_text("onerror=")
    assert panel.locator("img, script").count() == 0
    assert lab.page.evaluate("window.attacked") is None


def test_a_second_browser_tab_sees_the_same(
    lab: LabPage, panel: Locator, server: LabServer, deploy: Deploy
) -> None:
    deploy("shared")
    second = LabPage(lab.page.context.new_page(), server)
    second.open("", reset=False)
    other = second.show_panel()
    row(other, "shared", "running").wait_for()
    act(other, "shared", "stop")
    row(panel, "shared", "stopped").wait_for()
    act(panel, "shared", "start")
    row(other, "shared", "running").wait_for()
    second.page.close()
    assert not second.problems


def test_the_tab_is_a_table(lab: LabPage, panel: Locator, deploy: Deploy) -> None:
    deploy("table")
    tab = lab.open_tab()
    row(tab, "table", "running").wait_for()
    expect(tab.locator("[data-sort=owner]")).to_be_visible()
    tab.locator("[data-sort=name]").click()
    names = tab.locator(".mlk-col-name").all_inner_texts()
    assert names[1:] == sorted(names[1:], reverse=True)
    tab.get_by_label("Filter models").fill("tab")
    expect(tab.locator(".mlk-row")).to_have_count(1)
    lab.command("application:close")


def test_a_reload_brings_the_panel_back(lab: LabPage, panel: Locator, deploy: Deploy) -> None:
    deploy("kept")
    # The layout is saved a moment after it changed.
    saved = "() => fetch('/lab/api/workspaces/default?_=' + Math.random()).then(r => r.text())"
    wait_for(lambda: "mlkraken-panel" in lab.page.evaluate(saved), what="the layout is saved")
    lab.page.reload()
    lab.ready()
    again = lab.page.locator("#mlkraken-panel")
    again.wait_for(state="visible")
    row(again, "kept", "running").wait_for()


def test_a_killed_backend_is_noticed_and_comes_back(
    lab: LabPage, panel: Locator, server: LabServer, deploy: Deploy, notebook: Notebook
) -> None:
    notebook.ready()
    deploy("survivor")
    chart = details(panel, "survivor").locator("[data-points]")
    notebook.execute("service.predict([1.0])")
    expect(chart).to_have_attribute("data-points", "1")
    connections = remembered(lab, "#mlkraken-panel", "data-connection")
    pid = server.backend_pid()
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: len(connections()) > 2 and connections()[-1] == "live", what="live again")
    assert {"connecting", "offline"} & set(connections())
    assert server.backend_pid() != pid
    row(panel, "survivor", "running").wait_for()
    notebook.execute("service.predict([1.0])")
    expect(chart).to_have_attribute("data-points", "2")


def test_an_unreachable_server_is_told_and_tried_again(
    lab: LabPage, panel: Locator, notebook: Notebook
) -> None:
    problem = {"error": {"code": "backend_unreachable", "message": "Out.", "hint": "Wait."}}

    def refuse(route: Any) -> None:
        route.fulfill(status=502, content_type="application/json", body=json.dumps(problem))

    lab.page.route("**/mlkraken/api/v1/**", refuse)
    panel.locator("[data-action=refresh]").click()
    lab.page.evaluate(_BREAK_STREAM)
    bar = panel.get_by_role("alert")
    expect(bar).to_contain_text("The backend does not answer.")
    expect(bar).to_contain_text("Out. Wait.")
    expect(panel).to_have_attribute("data-connection", "offline")
    lab.page.unroute("**/mlkraken/api/v1/**")
    bar.locator("[data-action=retry]").click()
    expect(panel).to_have_attribute("data-connection", "live")
    expect(bar).to_have_count(0)


# Selecting a model opens the stream anew, which then meets the refusal.
_BREAK_STREAM = "() => document.querySelector('#mlkraken-panel .mlk-row').click()"
