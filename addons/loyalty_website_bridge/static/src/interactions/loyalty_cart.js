import { formatCurrency } from "@web/core/currency";
import { rpc } from "@web/core/network/rpc";
import { registry } from "@web/core/registry";
import { Interaction } from "@web/public/interaction";
import wSaleUtils from "@website_sale/js/website_sale_utils";

/**
 * Using points on the cart without leaving the page.
 *
 * It listens on the whole checkout, since the summary that holds the control is
 * replaced whenever the cart changes. Without JavaScript the forms post by themselves.
 */
export class LoyaltyCart extends Interaction {
    static selector = ".o_website_sale_checkout_container";
    dynamicContent = {
        _root: {
            "t-on-input": this.onInput,
            "t-on-submit": this.onSubmit,
        },
    };

    start() {
        this.showControls();
        this.observer = new MutationObserver(() => this.showControls());
        this.observer.observe(this.el, { childList: true, subtree: true });
        this.registerCleanup(() => this.observer.disconnect());
    }

    /**
     * Bring controls to life that came with the page or were put into it.
     */
    showControls() {
        for (const formEl of this.el.querySelectorAll(".o_loyalty_cart_use:not([data-ready])")) {
            formEl.dataset.ready = "1";
            formEl.querySelector(".o_loyalty_cart_range").classList.remove("d-none");
            this.showWorth(formEl);
        }
    }

    /**
     * Say beside the number of points what they are worth.
     *
     * @param {HTMLFormElement} formEl
     */
    showWorth(formEl) {
        const points = parseFloat(formEl.elements.points.value) || 0;
        const worth = Math.floor(points * parseFloat(formEl.dataset.pointValue) * 100 + 1e-6) / 100;
        formEl.querySelector(".o_loyalty_cart_worth").textContent = formatCurrency(
            worth,
            parseInt(formEl.dataset.currencyId),
        );
    }

    /**
     * @param {InputEvent} ev
     */
    onInput(ev) {
        const formEl = ev.target.closest(".o_loyalty_cart_use");
        if (!formEl) {
            return;
        }
        const rangeEl = formEl.querySelector(".o_loyalty_cart_range");
        if (ev.target === rangeEl) {
            formEl.elements.points.value = rangeEl.value;
        } else {
            rangeEl.value = ev.target.value;
        }
        this.showWorth(formEl);
    }

    /**
     * @param {SubmitEvent} ev
     */
    async onSubmit(ev) {
        const formEl = ev.target.closest(".o_loyalty_cart_use, .o_loyalty_cart_remove");
        if (!formEl) {
            return;
        }
        ev.preventDefault();
        const buttonEl = formEl.querySelector("button[type='submit']");
        buttonEl.disabled = true;
        const cartEl = this.el.querySelector("#shop_cart");
        const data = await this.waitFor(
            rpc("/shop/loyalty/points", {
                points: parseFloat(formEl.elements.points.value),
                render: !!cartEl,
            }),
        );
        if (data.error) {
            buttonEl.disabled = false;
            this.showError(formEl, data.error);
        } else if (cartEl) {
            this.updateCart(cartEl, data);
        } else {
            // Beyond the cart, amounts to pay are all over the page
            window.location.reload();
        }
    }

    /**
     * @param {HTMLFormElement} formEl
     * @param {string} message
     */
    showError(formEl, message) {
        const errorEl = formEl.closest(".o_loyalty_cart").querySelector(".o_loyalty_cart_error");
        errorEl.textContent = message;
        errorEl.classList.remove("d-none");
    }

    /**
     * Redraw the cart in the way Odoo does after a change of quantity.
     *
     * @param {HTMLElement} cartEl
     * @param {Object} data
     */
    updateCart(cartEl, data) {
        const interactions = this.services["public.interactions"];
        interactions.stopInteractions(cartEl);
        wSaleUtils.updateCartNavBar(data);
        interactions.startInteractions(cartEl);
        this.env.bus.trigger("cart_amount_changed", [data.amount, data.minor_amount]);
    }
}

registry.category("public.interactions").add("loyalty_website_bridge.loyalty_cart", LoyaltyCart);
