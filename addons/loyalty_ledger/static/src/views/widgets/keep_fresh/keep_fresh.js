import { browser } from "@web/core/browser/browser";
import { ConnectionLostError } from "@web/core/network/rpc";
import { registry } from "@web/core/registry";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

import { Component, onMounted, onWillUnmount, status, xml } from "@odoo/owl";

export const PAUSE = 2000; // milliseconds between an answer and the next question

/**
 * Reads the record of a form again and again for as long as the widget is shown: for
 * work that goes on in the background. Make it `invisible` when the work is done.
 *
 * It asks instead of being told over the bus, so that everybody who looks on sees the
 * same, also where no websocket is set up.
 */
export class KeepFresh extends Component {
    static template = xml`<span class="d-none"/>`;
    static props = standardWidgetProps;

    setup() {
        onMounted(() => this.wait());
        onWillUnmount(() => browser.clearTimeout(this.timer));
    }

    wait() {
        this.timer = browser.setTimeout(() => this.refresh(), PAUSE);
    }

    async refresh() {
        try {
            await this.load();
        } catch (error) {
            // Odoo itself says that the connection is lost
            if (!(error instanceof ConnectionLostError)) {
                throw error;
            }
        }
        if (status(this) === "mounted") {
            this.wait();
        }
    }

    async load() {
        const { record } = this.props;
        // Neither for nobody's eyes, nor over what somebody is typing
        if (document.visibilityState === "visible" && !(await record.isDirty())) {
            await record.load();
        }
    }
}

registry.category("view_widgets").add("loyalty_keep_fresh", { component: KeepFresh });
