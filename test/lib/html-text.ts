import { Parser } from "htmlparser2";

/** Gives the text that a browser would show of a page, style sheets left out. */
export function htmlText(page: string): string {
  let text = "";
  let hidden = false;
  const parser = new Parser({
    onopentagname: (name) => void (hidden = name === "style"),
    onclosetag: () => void (hidden = false),
    ontext: (piece) => void (text += hidden ? "" : piece),
  });
  parser.end(page);
  return text;
}
