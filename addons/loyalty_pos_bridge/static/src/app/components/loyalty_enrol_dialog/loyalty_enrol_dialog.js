import { Component, useState } from "@odoo/owl";
import { usePos } from "@point_of_sale/app/hooks/pos_hook";
import { Dialog } from "@web/core/dialog/dialog";
import { useAutofocus } from "@web/core/utils/hooks";

/**
 * Enrol somebody by phone number. What stands in the way is said under the number, so that it can
 * be typed again at once.
 */
export class LoyaltyEnrolDialog extends Component {
    static template = "loyalty_pos_bridge.LoyaltyEnrolDialog";
    static components = { Dialog };
    static props = {
        schemes: Array,
        phone: { type: String, optional: true },
        getPayload: Function,
        close: Function,
    };
    static defaultProps = { phone: "" };

    setup() {
        this.pos = usePos();
        this.state = useState({
            schemeId: this.props.schemes[0].id,
            phone: this.props.phone,
            name: "",
            message: "",
            busy: false,
        });
        useAutofocus({ refName: "phone", selectAll: true, mobile: true });
    }
    get scheme() {
        return this.props.schemes.find((scheme) => scheme.id === Number(this.state.schemeId));
    }
    get canEnrol() {
        return Boolean(this.state.phone.trim()) && !this.state.busy;
    }
    onKeydown(ev) {
        if (ev.key === "Enter") {
            ev.preventDefault();
            ev.stopPropagation();
            this.enrol();
        }
    }
    async enrol() {
        if (!this.canEnrol) {
            return;
        }
        Object.assign(this.state, { busy: true, message: "" });
        try {
            const { partners, message } = await this.pos.enrolLoyaltyPhone(
                this.scheme,
                this.state.phone,
                this.state.name,
            );
            if (partners.length) {
                this.props.getPayload(partners[0]);
                this.props.close();
                return;
            }
            this.state.message = message;
        } finally {
            this.state.busy = false;
        }
    }
}
