// openai-node against a gateway: prints one JSON object with what it got. Usage: node visit.mjs BASE_URL MODEL
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

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
let usage = null;
const options = { stream: true, stream_options: { include_usage: true } };
for await (const chunk of await client.chat.completions.create({ model, messages, ...options })) {
  streamed += chunk.choices[0]?.delta?.content ?? "";
  finish = chunk.choices[0]?.finish_reason ?? finish;
  usage = chunk.usage ?? usage;
}

const question = [{ role: "user", content: "What is the weather in Lisbon?" }];
const called = await client.chat.completions.create({ model, messages: question, tools, tool_choice: "required" });
const call = called.choices[0].message.tool_calls[0];
const after = await client.chat.completions.create({
  model,
  messages: [...question, called.choices[0].message, { role: "tool", tool_call_id: call.id, content: "clear" }],
});

const runner = client.chat.completions.stream({ model, messages: question, tools, tool_choice: "required" });
const final = await runner.finalChatCompletion();

const structured = await client.chat.completions.parse({
  model,
  messages: [{ role: "user", content: "Describe a bicycle" }],
  response_format: zodResponseFormat(z.object({ name: z.string(), gears: z.int() }), "bicycle"),
});

const prompt = { model, prompt: "Once upon a time", max_tokens: 12 };
const completion = await client.completions.create(prompt);
let streamedCompletion = "";
for await (const chunk of await client.completions.create({ ...prompt, stream: true })) {
  streamedCompletion += chunk.choices[0]?.text ?? "";
}

const embedded = await client.embeddings.create({ model: "text-embedding-3-small", input: "gear hubs" });
const models = [];
for await (const row of client.models.list()) models.push(row.id);

let refusal = null;
try {
  await client.chat.completions.create({ model: "no-such-model", messages });
} catch (error) {
  const { status, code } = error;
  refusal = { kind: error.constructor.name, status, code, hasRequestID: error.requestID.startsWith("req_") };
}

console.log(
  JSON.stringify({
    whole: whole.choices[0].message.content,
    streamed,
    finish,
    usage,
    tool: call.function.name,
    toolFinish: called.choices[0].finish_reason,
    afterTool: after.choices[0].message.content,
    streamedTool: final.choices[0].message.tool_calls[0].function.name,
    streamedToolFinish: final.choices[0].finish_reason,
    structured: structured.choices[0].message.parsed,
    completion: completion.choices[0].text,
    streamedCompletion,
    dimensions: embedded.data[0].embedding.length,
    models,
    refusal,
  }),
);
