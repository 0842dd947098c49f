import type { CallGuard } from "../transport/call-guard.ts";
import type { GenerateChoices, GenerationEnd, GenerationStep, LoadedModel, LocalPrompt } from "./engine.ts";
import type { KeptModel } from "./kept-model.ts";
import type { Slots } from "./slots.ts";

/** Is where one model file runs: its memory and its places for answers at the same time. */
export interface ModelPlace {
  readonly kept: KeptModel;
  readonly slots: Slots;
}

/** Is a call's turn on a model. Disposing of it stops the generation; its place is free when the token under way is done. */
export interface Turn extends Disposable {
  readonly model: LoadedModel;
  generate(prompt: LocalPrompt, choices: GenerateChoices): AsyncGenerator<GenerationStep, GenerationEnd, void>;
}

/** Waits for a turn: a free place, then the model in memory. Errors: those of the guard. */
export async function openTurn(guard: CallGuard, finding: Promise<ModelPlace>): Promise<Turn> {
  const { kept, slots } = await guard.wait("connect", finding);
  const slot = await hold(guard, slots.acquire(guard.signal));
  try {
    const held = await hold(guard, kept.use());
    return turnOf(held.model, () => {
      held[Symbol.dispose]();
      slot[Symbol.dispose]();
    });
  } catch (cause) {
    slot[Symbol.dispose]();
    throw cause;
  }
}

function turnOf(model: LoadedModel, release: () => void): Turn {
  let steps: AsyncGenerator<GenerationStep, GenerationEnd, void> | undefined;
  return {
    model,
    generate: (prompt, choices) => (steps = prompt.generate(choices)),
    [Symbol.dispose]() {
      if (steps === undefined) release();
      else steps.return("stop").then(release, release);
    },
  };
}

/** Waits for something that must be given back, also when it comes after the wait was over. */
async function hold<T extends Disposable>(guard: CallGuard, coming: Promise<T>): Promise<T> {
  try {
    return await guard.wait("connect", coming);
  } catch (cause) {
    coming.then(
      (late) => late[Symbol.dispose](),
      () => {},
    );
    throw cause;
  }
}
