import type { Call } from "../command.ts";
import { count } from "../format.ts";
import { oneLine } from "../harmless.ts";
import { line, styled } from "../line.ts";
import { openAtlas } from "../open.ts";

/** Checks agents. Exits with 2 where one of them cannot work; warnings alone are no failure. */
export async function agentsCheck(call: Call): Promise<number> {
  const { screen } = call;
  await using atlas = await openAtlas(call);
  const problems = await atlas.registry.check();
  const errors = problems.filter(({ level }) => level === "error");
  if (screen.json) screen.printJson({ ok: errors.length === 0, agents: atlas.registry.list().length, problems });
  else {
    for (const { level, source, message } of problems) {
      const look = styled(level === "error" ? "red" : "yellow", level);
      screen.print(line`${look} ${styled("dim", `${oneLine(source, 60)}:`)} ${message}`);
    }
    const warnings = problems.length - errors.length;
    const found =
      problems.length === 0 ? "no problem" : `${count(errors.length, "error")}, ${count(warnings, "warning")}`;
    screen.say(`${count(atlas.registry.list().length, "agent")}: ${found}.`);
  }
  return errors.length === 0 ? 0 : 2;
}
