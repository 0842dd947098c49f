import type { Clock } from "../../base/index.ts";
import type { LoadedModel } from "./engine.ts";

/** Is a model that is loaded when it is first used, once for all who want it, and freed when nobody has used it for a while. */
export interface KeptModel extends AsyncDisposable {
  /** Holds on to the model. Errors: those of loading; the next use loads again. */
  use(): Promise<Held>;
  readonly loaded: LoadedModel | undefined;
}

/** Is a hold on a loaded model; dispose of it when done. */
export interface Held extends Disposable {
  readonly model: LoadedModel;
}

/** Makes a kept model. Units: `keepLoadedMs` milliseconds after its last use; Infinity keeps it until it is disposed of. */
export function createKeptModel(
  load: () => Promise<LoadedModel>,
  { keepLoadedMs, clock }: { readonly keepLoadedMs: number; readonly clock: Clock },
): KeptModel {
  let loading: Promise<LoadedModel> | undefined;
  let loaded: LoadedModel | undefined;
  let users = 0;
  let sleeper: AbortController | undefined;

  const free = async (): Promise<void> => {
    const going = loading;
    loading = undefined;
    loaded = undefined;
    const model = await going?.catch(() => undefined);
    await model?.[Symbol.asyncDispose]();
  };
  const release = (): void => {
    users--;
    if (users > 0 || keepLoadedMs === Infinity) return;
    const mine = new AbortController();
    sleeper = mine;
    clock.sleep(keepLoadedMs, { signal: mine.signal, keepAlive: false }).then(free, () => {});
  };
  const start = (): Promise<LoadedModel> => {
    const mine = load().then(
      (model) => {
        if (loading === mine) loaded = model;
        return model;
      },
      (cause: unknown) => {
        if (loading === mine) loading = undefined;
        throw cause;
      },
    );
    return mine;
  };
  return {
    get loaded() {
      return loaded;
    },
    async use() {
      users++;
      sleeper?.abort();
      loading ??= start();
      try {
        return hold(await loading, release);
      } catch (cause) {
        release();
        throw cause;
      }
    },
    async [Symbol.asyncDispose]() {
      sleeper?.abort();
      await free();
    },
  };
}

function hold(model: LoadedModel, release: () => void): Held {
  let held = true;
  return {
    model,
    [Symbol.dispose]() {
      if (held) release();
      held = false;
    },
  };
}
