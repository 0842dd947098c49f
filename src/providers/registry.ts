import { providerErrors } from "./errors.ts";
import type { Model, Provider } from "./model.ts";

/** Makes a provider when it is first needed. */
export type ProviderFactory = () => Provider | Promise<Provider>;

/** Holds the providers that can be used, each made when it is first asked for. */
export interface Providers extends AsyncDisposable {
  /** The known names, sorted. */
  readonly names: readonly string[];
  /** Gives the provider of a name. Errors: provider_unknown, listing the known names. */
  get(name: string): Promise<Provider>;
  /** Gives the model of a reference `provider/name`; the name may hold slashes. Errors: provider_unknown. */
  resolve(reference: string): Promise<Model>;
  /** Adds a provider or replaces the factory of one that was not made yet. */
  register(name: string, factory: ProviderFactory): void;
}

/** Makes a registry of providers. Disposing it disposes every provider that was made. */
export function createProviders(factories: Readonly<Record<string, ProviderFactory>>): Providers {
  const known = new Map(Object.entries(factories));
  const made = new Map<string, Promise<Provider>>();
  const names = (): readonly string[] => [...known.keys()].toSorted();
  const get = (name: string): Promise<Provider> => {
    const existing = made.get(name);
    if (existing !== undefined) return existing;
    const factory = known.get(name);
    if (factory === undefined) {
      return Promise.reject(unknown(`There is no provider named ${JSON.stringify(name)}`, name, names()));
    }
    const provider = make(factory);
    made.set(name, provider);
    // What failed to be made is tried again the next time: its settings may have been corrected.
    provider.catch(() => made.delete(name));
    return provider;
  };
  return {
    get names() {
      return names();
    },
    get,
    async resolve(reference) {
      const { provider, model } = readReference(reference, names());
      return (await get(provider)).model(model);
    },
    register(name, factory) {
      known.set(name, factory);
    },
    async [Symbol.asyncDispose]() {
      const open = await Promise.allSettled(made.values());
      made.clear();
      const providers = open.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
      await Promise.all(providers.map((provider) => provider[Symbol.asyncDispose]()));
    },
  };
}

async function make(factory: ProviderFactory): Promise<Provider> {
  return factory();
}

/** Takes a reference `provider/name` apart at its first slash. Errors: provider_unknown when there is no provider or no name. */
export function readReference(
  reference: string,
  known: readonly string[],
): { readonly provider: string; readonly model: string } {
  const slash = reference.indexOf("/");
  const provider = reference.slice(0, slash).trim();
  const model = reference.slice(slash + 1).trim();
  if (slash > 0 && provider !== "" && model !== "") return { provider, model };
  throw unknown(`The model ${JSON.stringify(reference)} is not written as provider/name`, reference, known);
}

function unknown(what: string, name: string, known: readonly string[]): Error {
  const list = known.length === 0 ? "none" : known.join(", ");
  return providerErrors.create("provider_unknown", `${what}; known providers: ${list}.`, {
    details: { name, known: [...known] },
  });
}
