// openai-node meets a stream that breaks off: prints what it got and what it heard. Usage: node broken.mjs BASE_URL MODEL
import OpenAI from "openai";

const [baseURL, model] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: "any", maxRetries: 0 });

let pieces = 0;
let code = null;
try {
  const messages = [{ role: "user", content: "Say hello" }];
  for await (const chunk of await client.chat.completions.create({ model, messages, stream: true })) {
    pieces += chunk.choices.length;
  }
} catch (error) {
  code = error.code ?? String(error);
}

console.log(JSON.stringify({ pieces, code }));
