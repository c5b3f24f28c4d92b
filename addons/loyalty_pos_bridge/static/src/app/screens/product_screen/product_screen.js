import { ProductScreen } from "@point_of_sale/app/screens/product_screen/product_screen";
import { patch } from "@web/core/utils/patch";
// Patched before, whatever order files are loaded in
import "@pos_loyalty/app/screens/product_screen/product_screen";

patch(ProductScreen.prototype, {
    async _barcodePartnerAction(code) {
        if (await this.pos.scanLoyaltyCard(code.code)) {
            return;
        }
        if (this.pos.hasLoyaltySchemes && !(await this._getPartnerByBarcode(code))) {
            this.sound.play("error");
            this.pos.showUnknownLoyaltyCard(code.code);
            return;
        }
        return super._barcodePartnerAction(...arguments);
    },
    /**
     * A card number need not look like one: printed as QR or Code 128 it passes for a product.
     */
    async _barcodeProductAction(code) {
        if (!this._isKnownProductBarcode(code) && (await this.pos.scanLoyaltyCard(code.code))) {
            return;
        }
        return super._barcodeProductAction(...arguments);
    },
    _isKnownProductBarcode(code) {
        return Boolean(
            this.pos.models["product.product"].getBy("barcode", code.base_code) ||
                this.pos.models["product.uom"].getBy("barcode", code.base_code),
        );
    },
});
