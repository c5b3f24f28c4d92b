import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import "@loyalty_ledger/views/fields/loyalty_points/loyalty_points_field";

import { expect, test } from "@odoo/hoot";
import { queryAllTexts } from "@odoo/hoot-dom";
import { defineModels, fields, models, mountView } from "@web/../tests/web_test_helpers";

class Sale extends models.Model {
    _name = "sale";

    store = fields.Char();
    points = fields.Float({ digits: [16, 4], aggregator: "sum" });

    _records = [
        { id: 1, store: "Downtown", points: 1200 },
        { id: 2, store: "Downtown", points: 30 },
        { id: 3, store: "Harbour", points: 2.5 },
    ];
}

defineModels([Sale]);
defineMailModels();

const LIST = `<list><field name="points" sum="Points" widget="loyalty_points"/></list>`;

test("rows and the total of a list show the decimals that there are", async () => {
    await mountView({ type: "list", resModel: "sale", arch: LIST });
    expect(queryAllTexts(".o_data_cell")).toEqual(["1,200", "30", "2.5"]);
    expect("tfoot .o_list_number").toHaveText("1,232.5");
});

test("totals of groups do so as well", async () => {
    await mountView({ type: "list", resModel: "sale", arch: LIST, groupBy: ["store"] });
    expect(queryAllTexts(".o_group_header .o_list_number")).toEqual(["1,230", "2.5"]);
});

test("a pivot does so as well", async () => {
    await mountView({
        type: "pivot",
        resModel: "sale",
        arch: `
            <pivot>
                <field name="store" type="row"/>
                <field name="points" type="measure" widget="loyalty_points"/>
            </pivot>
        `,
    });
    expect(queryAllTexts(".o_pivot_cell_value")).toEqual(["1,232.5", "1,230", "2.5"]);
});
