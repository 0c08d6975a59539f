"""The dashboard in a real browser, of a gateway that answers real requests.

Needs Chromium (`apt-get install chromium`); where it is not there these tests say so, and fail on a CI server.
"""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from house import ZONES_AND_BACKENDS, House, open_house
from playwright.async_api import Browser, Page, async_playwright, expect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
AXE = Path(__file__).parents[2] / "gateway" / "dashboard" / "page" / "node_modules" / "axe-core" / "axe.min.js"
VIEWS = ["", "/decisions", "/policy", "/backends", "/budgets", "/quality", "/try"]
CARD = "My card is 4111 1111 1111 1111"
POLICY = (
    ZONES_AND_BACKENDS
    + "baseline: frontier\n"
    + "budgets: {month: {limit_usd: 5, window: month, scope: {zone: openai}}}\n"
    + "otherwise: {route: [frontier, local]}\n"
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None and "CI" not in os.environ, reason="there is no Chromium here"),
]


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with open_house(POLICY, is_watched=True) as opened:
        for text in ("Say hello", "Say goodbye", CARD):
            await opened.chat(text, max_tokens=9)
        await opened.gateway.recorder.flushed()
        yield opened


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        await opened.close()


class Watched:
    """A page, what its console complained of, and whom it asked."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.asked: set[str] = set()
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.asked.add(request.url.split("/")[2] if "//" in request.url else ""))


async def opened(browser: Browser, url: str, **more: Any) -> Watched:
    watched = Watched(await browser.new_page(**more))
    await watched.page.goto(url)
    await watched.page.wait_for_selector("h2", timeout=5_000)
    return watched


@pytest.mark.parametrize("view", VIEWS)
async def test_every_view_shows_its_figures_complains_of_nothing_and_asks_nobody_else(house, browser, view) -> None:
    watched = await opened(browser, f"{house.url}/dashboard{view}")
    assert watched.complaints == []
    assert watched.asked - {""} == {house.url.split("/")[2]}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
async def test_nothing_stands_in_the_way_of_whoever_cannot_see_or_use_a_mouse(house, browser, view, theme) -> None:
    watched = await opened(browser, f"{house.url}/dashboard{view}", color_scheme=theme, bypass_csp=True)
    await watched.page.add_script_tag(path=AXE)
    found = await watched.page.evaluate("axe.run()")
    serious = [each for each in found["violations"] if each["impact"] in ("serious", "critical")]
    assert [(each["id"], [node["target"] for node in each["nodes"]]) for each in serious] == []


async def test_the_overview_answers_in_sentences_that_are_true(house, browser) -> None:
    page = (await opened(browser, f"{house.url}/dashboard")).page
    await expect(page.locator(".sentence").first).to_have_text("The one sensitive request stayed where it may go.")
    row = page.locator(".matrix tbody tr", has_text="Restricted")
    await expect(row.locator("td").nth(0).locator(".value")).to_have_text("1")
    await expect(row.locator("td").nth(1)).to_contain_text("proved")
    await expect(row.locator("td").nth(1)).to_contain_text("1 asked, all vetoed")


async def test_the_overview_follows_the_traffic_by_itself(house, browser) -> None:
    page = (await opened(browser, f"{house.url}/dashboard")).page
    await house.chat("One more", max_tokens=9)
    await house.gateway.recorder.flushed()
    await expect(page.locator(".panel", has_text="Flow").locator(".note")).to_have_text(
        "4 requests, each counted once", timeout=12_000
    )


async def test_a_figure_leads_to_the_decisions_behind_it_and_one_of_them_to_its_reasons(house, browser) -> None:
    page = (await opened(browser, f"{house.url}/dashboard")).page
    await page.locator(".matrix tbody tr", has_text="Restricted").locator("a.value").click()
    await expect(page).to_have_url(re.compile(r"/dashboard/decisions\?sensitivity=restricted&zone=on_prem&since=\d+$"))
    await expect(page.locator("tbody tr")).to_have_count(1)
    await page.locator("tbody tr a").first.click()
    await expect(page.locator(".lead")).to_contain_text("Restricted, simple: answered by local in on_prem")
    await expect(page.locator("body")).to_contain_text("frontier: clearance")
    assert "4111" not in await page.content()


async def test_a_policy_is_checked_applied_and_taken_back_and_the_next_request_follows(house, browser) -> None:
    page = (await opened(browser, f"{house.url}/dashboard/policy")).page
    text = await page.locator("textarea").input_value()
    await page.locator("textarea").fill(text.replace("[frontier, local]", "[frontier, lokal]"))
    await page.get_by_role("button", name="Check").click()
    await expect(page.locator("#wrong")).to_contain_text("lokal")
    await expect(page.locator("#wrong")).to_contain_text("did you mean `local`")
    await expect(page.get_by_role("button", name="Apply")).to_be_disabled()
    await page.locator("textarea").fill(text.replace("[frontier, local]", "[local]"))
    await page.get_by_role("button", name="Check").click()
    await expect(page.locator(".changes")).to_contain_text("every promise is proved", timeout=15_000)
    await expect(page.locator(".changes")).to_contain_text("2 of 3 recorded requests would go elsewhere")
    await expect(page.locator(".changes")).to_contain_text("none newly reaches an outer zone")
    await page.get_by_role("button", name="Apply").click()
    await asyncio.wait_for(_answered_by(house, "local"), 9)
    await page.get_by_role("button", name="Roll back to the one before").click()
    await asyncio.wait_for(_answered_by(house, "frontier"), 9)


async def test_a_policy_that_somebody_else_has_changed_meanwhile_is_not_written_over(house, browser) -> None:
    page = (await opened(browser, f"{house.url}/dashboard/policy")).page
    text = await page.locator("textarea").input_value()
    changed = {"text": text.replace("limit_usd: 5", "limit_usd: 4")}
    async with aiohttp.ClientSession() as somebody, somebody.post(f"{house.url}/admin/policy", json=changed) as answer:
        assert answer.status == 200
    await page.locator("textarea").fill(text.replace("[frontier, local]", "[local]"))
    await page.get_by_role("button", name="Check").click()
    await expect(page.locator(".changes")).to_contain_text("every promise is proved", timeout=15_000)
    await page.get_by_role("button", name="Apply").click()
    await expect(page.locator(".buttons [role=alert]")).to_contain_text("not the one this was made from")


async def test_budgets_that_cannot_be_read_are_not_said_to_be_none(house, browser) -> None:
    page = await browser.new_page()
    await page.route("**/admin/budgets", lambda route: route.abort())
    await page.goto(f"{house.url}/dashboard")
    panel = page.locator(".panel", has=page.get_by_role("heading", name="Budgets"))
    await expect(panel).to_contain_text("How budgets stand cannot be told now")
    await expect(panel).not_to_contain_text("declares no budget")


async def test_a_prompt_is_tried_without_being_sent_or_kept(house, browser) -> None:
    page = (await opened(browser, f"{house.url}/dashboard/try")).page
    sent = len(house.sent_to(house.gpu)) + len(house.sent_to(house.api))
    await page.get_by_label("Prompt").fill(f"{CARD}, and the word is heliotrope")
    await page.get_by_role("button", name="Decide").click()
    await expect(page.locator(".lead")).to_contain_text(": it would go to local alone.")
    await expect(page.locator("body")).to_contain_text("frontier: clearance")
    assert len(house.sent_to(house.gpu)) + len(house.sent_to(house.api)) == sent
    assert len(await house.records()) == 3


async def _answered_by(house: House, backend: str) -> None:
    while (await house.chat_raw("Say hello", max_tokens=9)).headers["x-gateway-backend"] != backend:
        await asyncio.sleep(0.05)


async def test_words_of_a_policy_that_look_like_script_stay_text(browser) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    policy = POLICY.replace("version: 1}", f"version: 1, owner: '{hostile}'}}").replace(
        "openai: {clearance: internal}", f"openai: {{clearance: internal, region: '{hostile}'}}"
    )
    async with open_house(policy, is_watched=True) as house:
        for view, place in (("", ".matrix"), ("/policy", "main")):
            watched = await opened(browser, f"{house.url}/dashboard{view}")
            await expect(watched.page.locator(place)).to_contain_text(hostile)
            assert await watched.page.locator("img").count() == 0
            assert watched.complaints == []


async def test_a_gateway_that_is_gone_is_told_with_what_to_do(browser) -> None:
    async with open_house(POLICY) as house:
        watched = await opened(browser, f"{house.url}/dashboard")
        await watched.page.route("**/admin/**", lambda route: route.abort())
        await expect(watched.page.get_by_role("alert")).to_contain_text("The gateway does not answer", timeout=12_000)
        await expect(watched.page.get_by_role("alert")).to_contain_text("s old")


async def test_whoever_has_the_admin_key_signs_in(browser) -> None:
    key = "an-invented-admin-key-of-length"
    async with open_house(POLICY, environment={"GATEWAY_ADMIN_KEY": key}, is_watched=True) as house:
        page = (await opened(browser, f"{house.url}/dashboard")).page
        await page.get_by_label("Admin key").fill("a-wrong-key-of-some-length")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert").first).to_contain_text("not the key")
        await page.get_by_label("Admin key").fill(key)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.locator(".sentence").first).to_have_text("Nothing sensitive has been asked.")


@pytest.mark.parametrize("view", VIEWS)
async def test_a_phone_scrolls_no_page_sideways(house, browser, view) -> None:
    page = (await opened(browser, f"{house.url}/dashboard{view}", viewport={"width": 390, "height": 800})).page
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
