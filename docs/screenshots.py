# Copyright 2026 Loyalty CRM contributors
# License LGPL-3.0 or later (https://www.gnu.org/licenses/lgpl).
"""Make the README's pictures from the real screens of the demo.

Start the demo (``./loyalty demo``) and run this script with a Python that has
Playwright. It sells to a member at the till, fills the member's cart in the e-shop, and
looks at the portal, at the scheme and at the member.
"""

import argparse
import shutil
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import sync_playwright

IMAGES = Path(__file__).parent / "images"
DESKTOP = {"width": 1366, "height": 768}
PHONE = {"width": 390, "height": 844}
PATIENCE = 60_000  # milliseconds: the first look at a page builds its assets
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


class Studio:
    """A browser on the demo."""

    def __init__(self, browser, address):
        self.browser = browser
        self.address = address

    @contextmanager
    def visit(self, login, size, path="/odoo"):
        """Yield a page that is logged in."""
        context = self.browser.new_context(viewport=size, base_url=self.address)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.goto("/web/login")
        page.fill("input[name=login]", login)
        page.fill("input[name=password]", login)
        page.click(".oe_login_form button[type=submit]")
        page.wait_for_url(lambda url: "/web/login" not in url)
        page.goto(path)
        yield page
        context.close()

    def shoot(self, page, name):
        """Save what the page shows, after it has come to rest."""
        page.wait_for_timeout(1500)
        page.screenshot(path=IMAGES / f"{name}.png")

    def staff(self):
        """The member and the scheme in the back office."""
        with self.visit("admin", DESKTOP) as page:
            page.goto("/odoo/loyalty-schemes")
            page.click(".o_data_row >> nth=0 >> .o_data_cell >> nth=1")
            page.click(".nav-link:has-text('Earning')")
            self.shoot(page, "scheme")
            page.goto("/odoo/loyalty-members")
            page.click(".o_data_row:has-text('Joel Willis') >> .o_data_cell >> nth=0")
            page.wait_for_selector(".o_form_view")
            self.shoot(page, "member")

    def till(self):
        """A member at the till: what the order earns, and the receipt."""
        with self.visit("admin", DESKTOP) as page:
            page.goto("/odoo/loyalty-members")
            row = page.locator(".o_data_row:has-text('Joel Willis')")
            number = row.locator("[name=number]").inner_text().strip()
            page.goto("/odoo/action-point_of_sale.action_pos_config_kanban")
            page.locator(
                "button:has-text('Open Register'), button:has-text('Continue Selling')"
            ).first.click()
            self._open_register(page)
            for name in ("Office Lamp", "Desk Pad", "Desk Pad"):
                page.click(f"article.product:has-text('{name}')")
            self._choose(page, number)
            page.wait_for_selector(".loyalty-earning-points")
            self.shoot(page, "pos_member")
            page.click(".loyalty-bar-use")
            page.wait_for_selector(".modal")
            self.shoot(page, "pos_pad")
            page.click(".modal-footer .btn-primary")
            page.click(".pay-order-button")
            page.locator(".paymentmethod").first.click()
            page.click(".button.next, .validation-button")
            page.wait_for_selector(".loyalty-receipt")
            page.locator(".loyalty-receipt").scroll_into_view_if_needed()
            self.shoot(page, "pos_receipt")

    def _open_register(self, page):
        page.wait_for_selector("article.product")
        page.wait_for_timeout(2000)
        if page.locator(".modal-footer .btn-primary").count():
            page.click(".modal-footer .btn-primary")
        page.wait_for_selector(".modal", state="hidden")
        page.wait_for_timeout(2000)

    def _choose(self, page, number):
        """Find the customer by the member number, as a cashier without a scanner."""
        page.click(".set-partner")
        page.fill(".modal input", number)
        page.press(".modal input", "Enter")
        page.wait_for_selector(".loyalty-bar-name")
        page.click(".o_notification_close")

    def shop(self):
        """The member's cart in the e-shop."""
        with self.visit("portal", DESKTOP, "/shop?search=Large+Cabinet") as page:
            page.locator(".oe_product_cart a").first.click()
            page.click("#add_to_cart")
            page.wait_for_timeout(4000)  # the cart is filled behind the scenes
            page.goto("/shop/cart")
            page.wait_for_selector("[name=loyalty_earn]")
            self.shoot(page, "shop_cart")

    def portal(self):
        """The member's portal on a phone."""
        with self.visit("portal", PHONE, "/my/loyalty") as page:
            self.shoot(page, "portal")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--address", default="http://127.0.0.1:8069")
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    parser.add_argument(
        "only", nargs="*", help="till, shop, portal or staff; all if left out"
    )
    options = parser.parse_args()
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=options.chromium, args=list(FLAGS)
        )
        studio = Studio(browser, options.address)
        for name in options.only or ("till", "shop", "portal", "staff"):
            getattr(studio, name)()
        browser.close()


if __name__ == "__main__":
    main()
