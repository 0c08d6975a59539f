// openai-node against a gateway: prints one JSON object with what it got. Usage: node visit.mjs BASE_URL MODEL
import OpenAI from "openai";

const [baseURL, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: "any", maxRetries: 0 });
const messages = [{ role: "user", content: "Say hello" }];
const tools = [
  {
    type: "function",
    function: {
      name: "get_weather",
      description: "The weather in a city",
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    },
  },
];

const whole = await client.chat.completions.create({ model, messages });

let streamed = "";
let finish = null;
for await (const chunk of await client.chat.completions.create({ model, messages, stream: true })) {
  streamed += chunk.choices[0]?.delta?.content ?? "";
  finish = chunk.choices[0]?.finish_reason ?? finish;
}

const question = [{ role: "user", content: "What is the weather in Lisbon?" }];
const called = await client.chat.completions.create({ model, messages: question, tools, tool_choice: "required" });

const runner = client.chat.completions.stream({ model, messages: question, tools, tool_choice: "required" });
const final = await runner.finalChatCompletion();

const schema = {
  name: "bicycle",
  strict: true,
  schema: {
    type: "object",
    properties: { name: { type: "string" }, gears: { type: "integer" } },
    required: ["name", "gears"],
    additionalProperties: false,
  },
};
const structured = await client.chat.completions.create({
  model,
  messages: [{ role: "user", content: "Describe a bicycle" }],
  response_format: { type: "json_schema", json_schema: schema },
});

const embedded = await client.embeddings.create({ model: "text-embedding-3-small", input: "gear hubs" });
const models = [];
for await (const row of client.models.list()) models.push(row.id);

let refusal = null;
try {
  await client.chat.completions.create({ model: "no-such-model", messages });
} catch (error) {
  refusal = { status: error.status, code: error.code, requestID: error.requestID };
}

console.log(
  JSON.stringify({
    whole: whole.choices[0].message.content,
    streamed,
    finish,
    tool: called.choices[0].message.tool_calls[0].function.name,
    toolFinish: called.choices[0].finish_reason,
    streamedTool: final.choices[0].message.tool_calls[0].function.name,
    structured: JSON.parse(structured.choices[0].message.content),
    dimensions: embedded.data[0].embedding.length,
    models,
    refusal,
  }),
);
