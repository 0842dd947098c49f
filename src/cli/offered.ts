import type { Atlas } from "../app/index.ts";
import { toAtlasError } from "../base/index.ts";
import type { Candidate } from "../providers/index.ts";

/** Is a group of the settings: how a member is chosen, and what keeps the group from being used. */
export interface OfferedGroup {
  readonly group: string;
  readonly members: readonly string[];
  readonly strategy: string;
  readonly usable: boolean;
  readonly problem?: string;
}

/** Is all that can be named as a model here, and the model that is taken when none is named. */
export interface Offered {
  readonly candidates: readonly Candidate[];
  readonly groups: readonly OfferedGroup[];
  readonly used: string;
}

/**
 * Tells what can be used here: what was detected, and what the settings add, each looked at so that what is wrong with it shows
 * before it is used. Generates nothing.
 */
export async function offered({ models, settings }: Atlas, signal: AbortSignal): Promise<Offered> {
  const { candidates, choice } = await models.detect(signal);
  const { model, providers, groups } = settings.values;
  const listed = new Set(candidates.map(({ provider }) => provider));
  const added = Object.keys(providers).filter((name) => !listed.has(name));
  return {
    candidates: [...(await Promise.all(added.map((name) => addedCandidate(name, models)))), ...candidates],
    groups: await Promise.all(
      Object.entries(groups).map(async ([group, { members, strategy = "failover" }]): Promise<OfferedGroup> => {
        const problem = await problemOf(models.get(`group:${group}`));
        return { group, members, strategy, usable: problem === undefined, ...(problem !== undefined && { problem }) };
      }),
    ),
    used: model === "auto" ? `${choice.provider}/${choice.model ?? ""}` : model,
  };
}

/** A provider that the settings describe without naming its models: it is not chosen by itself, but can be named. */
async function addedCandidate(provider: string, models: Atlas["models"]): Promise<Candidate> {
  const problem = await problemOf(models.providers.get(provider));
  return {
    provider,
    model: null,
    usable: problem === undefined,
    reason: `It is configured; name a model as ${provider}/MODEL, or list some in providers.${provider}.models`,
    ...(problem !== undefined && { problem }),
  };
}

async function problemOf(made: Promise<unknown>): Promise<string | undefined> {
  try {
    await made;
    return undefined;
  } catch (error) {
    const { message, fix } = toAtlasError(error);
    return `${message} ${fix}`;
  }
}
