import type * as NodeLlamaCpp from "node-llama-cpp";
import type {
  ChatHistoryItem,
  ChatWrapper,
  Llama,
  LlamaContext,
  LlamaContextSequence,
  LlamaEmbeddingContext,
  LlamaGrammar,
  LlamaModel,
  SequenceEvaluateOptions,
  Token,
} from "node-llama-cpp";
import type { JsonObject } from "../../base/index.ts";
import {
  type GenerateChoices,
  type GenerationEnd,
  type GenerationStep,
  type LoadChoices,
  type LoadedModel,
  type LocalEngine,
  LocalFailure,
  type LocalPrompt,
} from "../local/engine.ts";
import { grammarSchema } from "../local/grammar-schema.ts";
import { createStopText, type StopText } from "../local/stop-text.ts";
import { type PlainConversation, plainConversation, writePlainChat } from "../local/plain-chat.ts";

type Vendor = typeof NodeLlamaCpp;

/** Loads the vendor's package. It is a parameter so that a test can see what happens where it is not installed. */
export type LoadVendor = () => Promise<Vendor>;

/** How much of a prompt is read at once; a call that is cancelled while it is read waits no longer than for so much. */
const readTokens = 256;
const defaultContextTokens = 4096;

interface Started {
  readonly vendor: Vendor;
  readonly llama: Llama;
}

interface Opened extends Started {
  readonly model: LlamaModel;
}

/** Makes the engine on node-llama-cpp. Nothing is imported or started before the first model is loaded. Errors: LocalFailure. */
export function llamaEngine(options: {
  readonly gpu: boolean;
  readonly threads?: number | undefined;
  readonly load?: LoadVendor | undefined;
}): LocalEngine {
  const { gpu, threads, load = () => import("node-llama-cpp") } = options;
  let starting: Promise<Started> | undefined;

  const start = async (): Promise<Started> => {
    const vendor = await load().catch((cause: unknown) => {
      throw new LocalFailure("engine_missing", "needs a package that is not here: npm install node-llama-cpp", cause);
    });
    const llama = await vendor
      .getLlama({
        gpu: gpu ? "auto" : false,
        // Nothing is compiled or fetched behind the user's back.
        build: "never",
        skipDownload: true,
        progressLogs: false,
        logLevel: vendor.LlamaLogLevel.disabled,
        ...(threads === undefined ? {} : { maxThreads: threads }),
      })
      .catch((cause: unknown) => {
        const message = "has no build of node-llama-cpp for this machine: npm install node-llama-cpp";
        throw new LocalFailure("engine_missing", message, cause);
      });
    return { vendor, llama };
  };
  return {
    async load(path, choices) {
      starting ??= start();
      const { vendor, llama } = await starting.catch((cause: unknown) => {
        starting = undefined;
        throw cause;
      });
      const model = await loadFile(vendor, llama, { path, onProgress: choices.onProgress });
      try {
        return await openModel({ vendor, llama, model }, choices);
      } catch (cause) {
        await model.dispose();
        throw cause;
      }
    },
    async [Symbol.asyncDispose]() {
      const started = await starting?.catch(() => undefined);
      starting = undefined;
      await started?.llama.dispose();
    },
  };
}

async function loadFile(
  { InsufficientMemoryError }: Vendor,
  llama: Llama,
  { path, onProgress }: { readonly path: string; readonly onProgress: LoadChoices["onProgress"] },
): Promise<LlamaModel> {
  try {
    return await llama.loadModel({ modelPath: path, ...(onProgress && { onLoadProgress: onProgress }) });
  } catch (cause) {
    if (cause instanceof InsufficientMemoryError) throw tooLarge(cause);
    throw new LocalFailure("file_invalid", "has a file that cannot be loaded; it may be cut short or too new", cause);
  }
}

function tooLarge(cause?: unknown): LocalFailure {
  return new LocalFailure("memory", "does not fit into memory; lower contextTokens or maxConcurrent", cause);
}

async function openModel(opened: Opened, choices: LoadChoices): Promise<LoadedModel> {
  const { llama, model } = opened;
  const { sequences, threads } = choices;
  const contextSize = Math.min(choices.contextTokens ?? defaultContextTokens, model.trainContextSize);
  // The engine does not look before it takes memory for a context, and the system would end the process.
  // Of the vendor's two estimates this one is arithmetic; the newer one tries it out, for minutes where it is far too much.
  const needs = model.fileInsights.estimateContextResourceRequirements({
    contextSize,
    sequences,
    modelGpuLayers: model.gpuLayers,
  });
  if (needs.cpuRam > (await llama.getRamState()).free) throw tooLarge();
  const context = await model
    .createContext({ contextSize, sequences, ...(threads === undefined ? {} : { threads }) })
    .catch((cause: unknown) => {
      throw tooLarge(cause);
    });
  return loadedModel(opened, context, threads);
}

function loadedModel(opened: Opened, context: LlamaContext, threads: number | undefined): LoadedModel {
  const { vendor, model } = opened;
  const format = chatFormat(vendor, model);
  const sequences = createSequences(context);
  const running = new Set<AsyncGenerator<GenerationStep, GenerationEnd, void>>();
  let embedding: Promise<LlamaEmbeddingContext> | undefined;
  let closed = false;
  const checkOpen = (): void => {
    if (closed) throw new LocalFailure("closed", "was closed before it could answer");
  };

  const generate = (
    prompt: WrittenPrompt,
    choices: GenerateChoices,
  ): AsyncGenerator<GenerationStep, GenerationEnd, void> => {
    const steps = generateSteps({ opened, context, prompt, sequences }, choices, () => running.delete(steps));
    running.add(steps);
    return steps;
  };
  return {
    contextTokens: context.contextSize,
    get evaluatedTokens() {
      return sequences.evaluatedTokens;
    },
    prompt(messages): LocalPrompt {
      checkOpen();
      const conversation = plainConversation(messages);
      const prompt = format(conversation);
      const { tokens, stops } = prompt;
      if (tokens.length >= context.contextSize) {
        const message = `was given ${tokens.length} tokens; its context holds ${context.contextSize}`;
        throw new LocalFailure("context_length", message);
      }
      const { continues } = conversation;
      return { tokens: tokens.length, stops, continues, generate: (choices) => generate(prompt, choices) };
    },
    async embed(text) {
      checkOpen();
      embedding ??= model.createEmbeddingContext({
        contextSize: context.contextSize,
        ...(threads === undefined ? {} : { threads }),
      });
      const reader = await embedding;
      const tokens = reader.calculateInputLength(text);
      if (tokens > context.contextSize) {
        const message = `was given a text of ${tokens} tokens; its context holds ${context.contextSize}`;
        throw new LocalFailure("context_length", message);
      }
      return { vector: (await reader.getEmbeddingFor(text)).vector, tokens };
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      await Promise.all([...running].map((steps) => steps.return("stop")));
      const reader = await embedding?.catch(() => undefined);
      await reader?.dispose();
      await context.dispose();
      await model.dispose();
    },
  };
}

/** Is a prompt in the vendor's tokens; some of them end an answer. */
interface WrittenPrompt {
  readonly tokens: readonly Token[];
  readonly stops: readonly string[];
  readonly stopTokens: ReadonlySet<Token>;
}

/** Chooses how conversations are written: in the model's own format, or plainly where its file has none. */
function chatFormat(vendor: Vendor, model: LlamaModel): (conversation: PlainConversation) => WrittenPrompt {
  const own = model.fileInfo.metadata.tokenizer?.chat_template;
  const wrapper = own === undefined ? undefined : vendor.resolveChatWrapper(model, { warningLogs: false });
  const { bos, shouldPrependBosToken } = model.tokens;
  const begun = (tokens: readonly Token[]): readonly Token[] =>
    bos !== null && shouldPrependBosToken && tokens[0] !== bos ? [bos, ...tokens] : tokens;
  return (conversation) => {
    const prompt = wrapper === undefined ? writePlain(model, conversation) : writeChat(wrapper, model, conversation);
    return { ...prompt, tokens: begun(prompt.tokens) };
  };
}

function writePlain(model: LlamaModel, conversation: PlainConversation): WrittenPrompt {
  const { text, stops } = writePlainChat(conversation);
  return { tokens: model.tokenize(text, false), stops, stopTokens: new Set() };
}

function writeChat(wrapper: ChatWrapper, model: LlamaModel, { turns, continues }: PlainConversation): WrittenPrompt {
  const chatHistory = turns.map(({ role, text }): ChatHistoryItem => {
    return role === "assistant" ? { type: "model", response: [text] } : { type: role, text };
  });
  if (!continues) chatHistory.push({ type: "model", response: [""] });
  const state = wrapper.generateContextState({ chatHistory });
  const stops: string[] = [];
  const stopTokens = new Set<Token>();
  for (const trigger of state.stopGenerationTriggers) {
    const texts = trigger.values.filter((value) => typeof value === "string");
    const [token, ...more] = trigger.tokenize(model.tokenizer);
    if (texts.length === trigger.values.length) stops.push(texts.join(""));
    else if (token !== undefined && more.length === 0) stopTokens.add(token);
  }
  return { tokens: state.contextText.tokenize(model.tokenizer, "trimLeadingSpace"), stops, stopTokens };
}

/** Lends the sequences of a context; a conversation gets the one that has read the most of it. */
interface Sequences {
  readonly evaluatedTokens: number;
  take(tokens: readonly Token[]): LlamaContextSequence;
  give(sequence: LlamaContextSequence): void;
}

function createSequences(context: LlamaContext): Sequences {
  const free = new Set<LlamaContextSequence>();
  const all: LlamaContextSequence[] = [];
  const make = (): LlamaContextSequence => {
    const sequence = context.getSequence();
    all.push(sequence);
    return sequence;
  };
  return {
    get evaluatedTokens() {
      return all.reduce((sum, { tokenMeter: meter }) => sum + meter.usedInputTokens + meter.usedOutputTokens, 0);
    },
    take(tokens) {
      let best: LlamaContextSequence | undefined;
      let bestShared = 0;
      for (const sequence of free) {
        const shared = sequence.compareContextTokens([...tokens]).firstDifferentIndex;
        if (best === undefined || shared > bestShared) [best, bestShared] = [sequence, shared];
      }
      const fresh = bestShared === 0 && context.sequencesLeft > 0;
      if (best === undefined || fresh) return make();
      free.delete(best);
      return best;
    },
    give: (sequence) => void free.add(sequence),
  };
}

interface Generating {
  readonly opened: Opened;
  readonly context: LlamaContext;
  readonly prompt: WrittenPrompt;
  readonly sequences: Sequences;
}

async function* generateSteps(
  { opened, context, prompt, sequences }: Generating,
  choices: GenerateChoices,
  ended: () => void,
): AsyncGenerator<GenerationStep, GenerationEnd, void> {
  const { model } = opened;
  const { tokens, stopTokens } = prompt;
  const { options, end } = await evaluateOptions(opened, choices);
  const sequence = sequences.take(tokens);
  try {
    const last = tokens.slice(-1);
    const { firstDifferentIndex: shared } = sequence.compareContextTokens(tokens.slice(0, -1));
    await sequence.eraseContextTokenRanges([{ start: shared, end: sequence.nextTokenIndex }]);
    const cachedTokens = sequence.nextTokenIndex;
    yield { type: "prompt", cachedTokens };
    for (let at = cachedTokens; at < tokens.length - 1; at += readTokens) {
      await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(at, Math.min(at + readTokens, tokens.length - 1)));
      yield { type: "prompt", cachedTokens };
    }
    const writer = createTokenWriter(model, tokens);
    for await (const token of sequence.evaluate(last, options)) {
      if (stopTokens.has(token)) break;
      yield { type: "token", text: end.push(writer.write(token)) };
      if (end.stopped) return "stop";
      // Without this, the engine would drop the beginning of the conversation and go on.
      if (sequence.nextTokenIndex + 1 >= context.contextSize) {
        yield { type: "rest", text: end.push(writer.rest()) + end.flush() };
        return "length";
      }
    }
    yield { type: "rest", text: end.push(writer.rest()) + end.flush() };
    return "stop";
  } finally {
    sequences.give(sequence);
    ended();
  }
}

/** Are the options of the vendor, and what ends an answer that a grammar binds. */
interface Binding {
  readonly options: SequenceEvaluateOptions;
  readonly end: StopText;
}

async function evaluateOptions({ vendor, llama, model }: Opened, choices: GenerateChoices): Promise<Binding> {
  const { schema, ...rest } = choices;
  const known = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  if (schema === undefined) return { options: known, end: createStopText([]) };
  const grammar = await createGrammar(llama, schema);
  const state = new vendor.LlamaGrammarEvaluationState({ model, grammar });
  const stops = grammar.stopGenerationTriggers.map((trigger) => String(trigger));
  return { options: { ...known, grammarEvaluationState: state }, end: createStopText(stops) };
}

async function createGrammar(llama: Llama, schema: JsonObject): Promise<LlamaGrammar> {
  const known = grammarSchema(schema);
  try {
    // The rewritten schema has only keywords that the vendor's type names; it comes from outside, so no type can say so.
    return await llama.createGrammarForJsonSchema(known as Parameters<Llama["createGrammarForJsonSchema"]>[0]);
  } catch (cause) {
    throw new LocalFailure("schema", "cannot be held to this schema; make it simpler", cause);
  }
}

/** Turns tokens into text, and holds a character back until all of its bytes are there. */
interface TokenWriter {
  write(token: Token): string;
  rest(): string;
}

/** The most bytes of a character, each of which can be a token of its own. */
const maxCharacterTokens = 4;
/** How many tokens before a token the vendor looks at, to know whether a space stands between them. */
const lookBack = 4;

function createTokenWriter(model: LlamaModel, prompt: readonly Token[]): TokenWriter {
  let before = prompt.slice(-lookBack);
  let held: Token[] = [];
  const release = (text: string): string => {
    before = [...before, ...held].slice(-lookBack);
    held = [];
    return text;
  };
  return {
    write(token) {
      held.push(token);
      const text = model.detokenize(held, false, before);
      return text.endsWith("\u{FFFD}") && held.length < maxCharacterTokens ? "" : release(text);
    },
    rest: () => (held.length === 0 ? "" : release(model.detokenize(held, false, before))),
  };
}
