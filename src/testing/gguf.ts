import { writeFile } from "node:fs/promises";

/** Are the options of `writeTinyGguf`. `chatTemplate` is a Jinja template; without one it is a base model. */
export interface TinyGgufOptions {
  readonly contextTokens?: number;
  readonly chatTemplate?: string;
}

/**
 * Writes a real language model as a GGUF file of one or two megabytes: after each word it says the word that most often follows
 * it in the text. No training and no download; a local engine does with it all that it does with any model.
 *
 * Shape: each line of the text is one answer; a text without a repeated word is said exactly, and then the answer ends.
 * Cost: some milliseconds; memory grows with the square of the number of different words (a few hundred are fine).
 * Source: the GGUF layout (version 3) as llama.cpp documents it.
 */
export async function writeTinyGguf(path: string, text: string, options: TinyGgufOptions = {}): Promise<void> {
  const vocabulary = vocabularyOf(text);
  const size = vocabulary.tokens.length;
  // One dimension for each token: a token's embedding is a one at its own place, so a row of the output matrix is what follows it.
  const width = Math.ceil(size / 64) * 64;
  await writeFile(
    path,
    ggufFile(metadataOf(vocabulary, width, options), [
      { name: "token_embd.weight", shape: [width, size], data: oneHot(width, size) },
      { name: "output_norm.weight", shape: [width], data: new Float32Array(width).fill(1) },
      { name: "output.weight", shape: [width, size], data: followers(vocabulary, text, width) },
      { name: "blk.0.attn_norm.weight", shape: [width], data: new Float32Array(width).fill(1) },
      ...silentLayer(width),
    ]),
  );
}

interface Vocabulary {
  readonly tokens: readonly string[];
  readonly ids: ReadonlyMap<string, number>;
}

const unknown = 0;
const begin = 1;
const end = 2;
const firstByte = 3;
const firstText = firstByte + 256;
const space = "▁";
const headSize = 32;
const hiddenSize = 64;

function vocabularyOf(text: string): Vocabulary {
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
  const ascii = Array.from({ length: 95 }, (_, index) => String.fromCodePoint(0x20 + index)).filter((c) => c !== " ");
  const tokens = new Set(["<unk>", "<s>", "</s>", ...bytes, space, ...ascii]);
  for (const word of wordsOf(text)) for (const character of word) tokens.add(character);
  // The tokenizer joins two neighbours at a time, so each beginning of a word must be a token too.
  for (const word of wordsOf(text)) {
    let beginning = space;
    for (const character of word) tokens.add((beginning += character));
  }
  const list = [...tokens];
  return { tokens: list, ids: new Map(list.map((token, id) => [token, id])) };
}

function wordsOf(line: string): readonly string[] {
  return line.match(/\S+/gu) ?? [];
}

/** Makes the output matrix: for each token, the logarithm of how often each other one follows it. */
function followers({ tokens, ids }: Vocabulary, text: string, width: number): Float32Array {
  const counts = tokens.map(() => new Map<number, number>());
  for (const line of text.split("\n").filter((candidate) => candidate.trim() !== "")) {
    const sequence = [begin, ...wordsOf(line).map((word) => ids.get(space + word) ?? unknown), end];
    for (const [index, token] of sequence.entries()) {
      const next = sequence[index + 1];
      const row = counts[token];
      if (next !== undefined && row !== undefined) row.set(next, (row.get(next) ?? 0) + 1);
    }
  }
  const matrix = new Float32Array(width * tokens.length);
  const beginnings = counts[begin] ?? new Map<number, number>();
  const unseen = tokens.map(chanceUnseen);
  for (const [token, own] of counts.entries()) {
    const row = own.size === 0 ? beginnings : own;
    const total = [...row.values()].reduce((sum, count) => sum + count, 0);
    for (const [next, chance] of unseen.entries()) {
      const seen = row.get(next);
      // The normalisation before the output scales the one of an embedding to the root of the width.
      const logit = Math.log(seen === undefined ? chance : seen / total) / Math.sqrt(width);
      matrix[next * width + token] = logit;
    }
  }
  return matrix;
}

/** Gives what never follows a small chance. Marks that close something get more, so that an answer that a grammar binds comes to its end. */
function chanceUnseen(token: string): number {
  const rank = [",", "]", "}", '"'].indexOf(token);
  return 1e-5 * (rank + 2);
}

function oneHot(width: number, size: number): Float32Array {
  const matrix = new Float32Array(width * size);
  for (let token = 0; token < size; token++) matrix[token * width + token] = 1;
  return matrix;
}

interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Makes the layer that a model must have; all of its weights are 0, so what comes in goes out. */
function silentLayer(width: number): readonly Tensor[] {
  const shapes: Readonly<Record<string, readonly [number, number]>> = {
    attn_q: [width, headSize],
    attn_k: [width, headSize],
    attn_v: [width, headSize],
    attn_output: [headSize, width],
    ffn_gate: [width, hiddenSize],
    ffn_up: [width, hiddenSize],
    ffn_down: [hiddenSize, width],
  };
  const matrices = Object.entries(shapes).map(([name, shape]) => ({
    name: `blk.0.${name}.weight`,
    shape,
    data: new Float32Array(shape[0] * shape[1]),
  }));
  return [...matrices, { name: "blk.0.ffn_norm.weight", shape: [width], data: new Float32Array(width).fill(1) }];
}

type Field = readonly [key: string, value: Buffer];

function metadataOf({ tokens }: Vocabulary, width: number, options: TinyGgufOptions): readonly Field[] {
  const { contextTokens = 2048, chatTemplate } = options;
  // Longer tokens win when the tokenizer joins.
  const scores = tokens.map((token, id) => (id < firstText ? 0 : -1 / Array.from(token).length));
  const types = tokens.map((_, id) => (id === unknown ? 2 : id < firstByte ? 3 : id < firstText ? 6 : 1));
  const numbers: readonly (readonly [string, number])[] = [
    ["llama.context_length", contextTokens],
    ["llama.embedding_length", width],
    ["llama.block_count", 1],
    ["llama.feed_forward_length", hiddenSize],
    ["llama.attention.head_count", 1],
    ["llama.attention.head_count_kv", 1],
    ["llama.attention.key_length", headSize],
    ["llama.attention.value_length", headSize],
    ["llama.rope.dimension_count", headSize],
    ["llama.vocab_size", tokens.length],
    ["tokenizer.ggml.bos_token_id", begin],
    ["tokenizer.ggml.eos_token_id", end],
    ["tokenizer.ggml.unknown_token_id", unknown],
  ];
  return [
    ["general.architecture", textValue("llama")],
    ["general.name", textValue("tiny")],
    ["llama.attention.layer_norm_rms_epsilon", typed(6, float32(1e-9))],
    ...numbers.map(([key, value]): Field => [key, typed(4, uint32(value))]),
    ["tokenizer.ggml.model", textValue("llama")],
    ["tokenizer.ggml.pre", textValue("default")],
    ["tokenizer.ggml.tokens", list(8, tokens.map(textBytes))],
    ["tokenizer.ggml.scores", list(6, scores.map(float32))],
    ["tokenizer.ggml.token_type", list(5, types.map(uint32))],
    ["tokenizer.ggml.add_bos_token", typed(7, Buffer.from([1]))],
    ...(chatTemplate === undefined ? [] : [["tokenizer.chat_template", textValue(chatTemplate)] as const]),
  ];
}

function ggufFile(fields: readonly Field[], tensors: readonly Tensor[]): Buffer {
  const head: Buffer[] = [Buffer.from("GGUF"), uint32(3), uint64(tensors.length), uint64(fields.length)];
  for (const [key, value] of fields) head.push(textBytes(key), value);
  const data: Buffer[] = [];
  let offset = 0;
  for (const { name, shape, data: numbers } of tensors) {
    head.push(textBytes(name), uint32(shape.length), ...shape.map(uint64), uint32(0), uint64(offset));
    const padded = aligned(Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength));
    data.push(padded);
    offset += padded.length;
  }
  return Buffer.concat([aligned(Buffer.concat(head)), ...data]);
}

function aligned(bytes: Buffer): Buffer {
  const rest = bytes.length % 32;
  return rest === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(32 - rest)]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function float32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

function textBytes(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  return Buffer.concat([uint64(bytes.length), bytes]);
}

function typed(type: number, value: Buffer): Buffer {
  return Buffer.concat([uint32(type), value]);
}

function textValue(text: string): Buffer {
  return typed(8, textBytes(text));
}

function list(type: number, values: readonly Buffer[]): Buffer {
  return Buffer.concat([uint32(9), uint32(type), uint64(values.length), ...values]);
}
