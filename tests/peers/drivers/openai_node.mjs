// openai's npm package on Node 22: three turns over its ResponsesWS, one with a function call.
// Reports one JSON object; imports nothing of turnscope. The packages stand in PEER_FOLDER.

import { createRequire } from "node:module";

const require = createRequire(process.env.PEER_FOLDER + "/");
const { OpenAI } = require("openai");
const { ResponsesWS } = require("openai/resources/responses/ws");

const [scene, baseURL] = process.argv.slice(2);
const MODEL = "gpt-6-astra";
const WEATHER = {
  type: "function",
  name: "read_thermometer",
  parameters: {
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
    additionalProperties: false,
  },
  strict: true,
};

const socket = new ResponsesWS(new OpenAI({ baseURL }));
const turns = [];
const events = socket.stream();

async function turn(input, more = {}) {
  socket.send({ type: "response.create", model: MODEL, store: false, input, ...more });
  const seen = { text: "", types: [] };
  while (true) {
    const { value: event } = await events.next();
    if (event.type === "error" || event.type === "close") throw event.error ?? new Error("the socket closed");
    if (event.type !== "message") continue;
    const message = event.message;
    seen.types.push(message.type);
    if (message.type === "response.output_text.delta") seen.text += message.delta;
    if (message.type === "response.completed") {
      const { id, previous_response_id, status, output } = message.response;
      const calls = output.filter((item) => item.type === "function_call");
      turns.push({ ...seen, id, previous_response_id, status, calls });
      return turns.at(-1);
    }
  }
}

const scenes = {
  async three_turns() {
    const first = await turn("Remember the word heron.");
    const asked = await turn("How warm is it in Oslo? Use read_thermometer.", {
      previous_response_id: first.id,
      tools: [WEATHER],
    });
    const answers = asked.calls.map((call) => ({
      type: "function_call_output",
      call_id: call.call_id,
      output: "3 degrees",
    }));
    await turn(answers, { previous_response_id: asked.id, tools: [WEATHER] });
  },
};

await scenes[scene]();
socket.close({ code: 1000, reason: "done" });
process.stdout.write(JSON.stringify({ turns }) + "\n");
process.exit(0);
