import { defineMailModels } from "@mail/../tests/mail_test_helpers";
import { KeepFresh, PAUSE } from "@loyalty_ledger/views/widgets/keep_fresh/keep_fresh";

import { expect, test } from "@odoo/hoot";
import { advanceTime, animationFrame } from "@odoo/hoot-mock";
import { ConnectionLostError } from "@web/core/network/rpc";
import {
    contains,
    defineModels,
    fields,
    makeServerError,
    models,
    mountView,
    MockServer,
    onRpc,
    patchWithCleanup,
} from "@web/../tests/web_test_helpers";

class Work extends models.Model {
    _name = "work";

    name = fields.Char();
    state = fields.Char();
    done_count = fields.Integer();

    _records = [{ id: 1, name: "Replay", state: "running", done_count: 10 }];
    _views = {
        form: `
            <form>
                <widget name="loyalty_keep_fresh" invisible="state != 'running'"/>
                <field name="name"/>
                <field name="state"/>
                <field name="done_count" readonly="1"/>
            </form>
        `,
    };
}

defineModels([Work]);
defineMailModels();

const getRecord = () => MockServer.env["work"].find((record) => record.id === 1);
const mountWork = () => mountView({ type: "form", resModel: "work", resId: 1 });
const DONE = ".o_field_widget[name=done_count]";

test("what is done shows by itself, until all of it is", async () => {
    onRpc("work", "web_read", () => expect.step("read"));
    await mountWork();
    expect.verifySteps(["read"]);
    expect(DONE).toHaveText("10");

    getRecord().done_count = 20;
    await advanceTime(PAUSE);
    expect.verifySteps(["read"]);
    expect(DONE).toHaveText("20");

    Object.assign(getRecord(), { done_count: 30, state: "done" });
    await advanceTime(PAUSE);
    expect.verifySteps(["read"]);
    expect(DONE).toHaveText("30");
    expect(".o_widget_loyalty_keep_fresh").toHaveCount(0);

    await advanceTime(10 * PAUSE);
    expect.verifySteps([]);
});

test("what somebody types is left alone", async () => {
    await mountWork();
    await contains(".o_field_widget[name=name] input").edit("Mine", { confirm: false });
    getRecord().done_count = 20;
    onRpc("work", "web_read", () => expect.step("read"));
    await advanceTime(PAUSE);
    expect(".o_field_widget[name=name] input").toHaveValue("Mine");
    expect.verifySteps([]);

    await contains(".o_form_button_save").click();
    expect(DONE).toHaveText("20");
    expect(getRecord().name).toBe("Mine");
});

test("a page that nobody sees asks nothing", async () => {
    await mountWork();
    onRpc("work", "web_read", () => expect.step("read"));
    patchWithCleanup(Document.prototype, {
        get visibilityState() {
            return "hidden";
        },
    });
    await advanceTime(3 * PAUSE);
    expect.verifySteps([]);
});

test("a slow answer is waited for", async () => {
    const answers = [];
    patchWithCleanup(KeepFresh.prototype, {
        load() {
            expect.step("ask");
            return new Promise((resolve) => answers.push(resolve));
        },
    });
    await mountWork();
    await advanceTime(5 * PAUSE);
    expect.verifySteps(["ask"]);
    answers.pop()();
    await animationFrame();
    await advanceTime(PAUSE);
    expect.verifySteps(["ask"]);
});

test("without a connection it tries again", async () => {
    patchWithCleanup(KeepFresh.prototype, {
        async load() {
            expect.step("ask");
            throw new ConnectionLostError();
        },
    });
    await mountWork();
    await advanceTime(PAUSE);
    expect.verifySteps(["ask"]);
    await advanceTime(PAUSE);
    expect.verifySteps(["ask"]);
});

test("what is refused is said once", async () => {
    expect.errors(1);
    await mountWork();
    onRpc("work", "web_read", () => {
        expect.step("refuse");
        throw makeServerError({ message: "Not for you" });
    });
    await advanceTime(PAUSE);
    await advanceTime(5 * PAUSE);
    expect.verifySteps(["refuse"]);
    expect.verifyErrors(["Not for you"]);
});
