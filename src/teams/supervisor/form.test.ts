import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { formOfGoal, formProblem, schemaOf, withoutForm } from "./form.ts";
import { formNames } from "./message.ts";
import { compose } from "./plain-roles.ts";

test.each([
  ["Compare the two plans in a table.", "table"],
  ["Give the prices as JSON.", "json"],
  ["Write a letter to the landlord that says when we leave.", "letter"],
  ["Write a function that adds two numbers.", "code"],
  ["Name the steps as a numbered list.", "list"],
  ["What is a table?", undefined],
  ["Where is the table of contents?", undefined],
  ["Which letter did the landlord send?", undefined],
  ["How does JSON work?", undefined],
  ["What is on the price list?", undefined],
])("%s asks for %s", (goal, form) => expect(formOfGoal(goal)?.name).toBe(form));

test("a schema in a goal is what the result must follow", async () => {
  const form = formOfGoal('Fill this: {"type":"object","properties":{"days":{"type":"number"}},"required":["days"]}');
  expect(form).toMatchObject({ name: "json", source: "goal" });
  const schema = form && schemaOf(form);
  expect(form && (await formProblem(form, '{"days":30}', schema))).toBeUndefined();
  expect(form && (await formProblem(form, '{"days":"30"}', schema))).toContain("days");
});

test("a goal without the words of its form is what is looked for", () => {
  expect(withoutForm("How long is the leave? Give the answer as a table.")).toBe("How long is the leave?");
  expect(withoutForm("Answer as a table.")).toBe("");
  expect(withoutForm("Where is the table?")).toBe("Where is the table?");
});

test("whatever was found, it is composed in the form that is asked for", async () => {
  const text = fc.string({ maxLength: 60 });
  const finding = fc.record({
    text: fc.oneof(text, fc.constant("a | b\n| c |\n")),
    answered: fc.boolean(),
    sources: fc.nat(3),
  });
  await fc.assert(
    fc.asyncProperty(text, fc.array(finding, { minLength: 1, maxLength: 4 }), async (goal, list) => {
      const questions = list.map((_, index) => ({ id: `q${index}`, text: `Question ${index}?` }));
      const findings = list.map((each, index) => ({
        ...each,
        step: `s${index}`,
        question: `q${index}`,
        unverified: 0,
      }));
      for (const name of formNames.filter((each) => each !== "code")) {
        const written = compose(name, { goal, questions, findings });
        expect(await formProblem({ name, source: "goal" }, written)).toBeUndefined();
        if (name === "table") expect(written.split("\n")).toHaveLength(list.length + 2);
        if (name === "json")
          expect(z.object({ answers: z.array(z.unknown()) }).parse(JSON.parse(written)).answers).toHaveLength(
            list.length,
          );
      }
    }),
    { numRuns: 60 },
  );
});
