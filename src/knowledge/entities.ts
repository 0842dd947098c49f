const listed = (
  "amp & lt < gt > quot \" apos ' copy © reg ® trade ™ hellip … mdash — ndash – lsquo ‘ rsquo ’ ldquo “ rdquo ” sbquo ‚ bdquo „ laquo « raquo » " +
  "bull • middot · para ¶ sect § deg ° plusmn ± times × divide ÷ frac12 ½ frac14 ¼ frac34 ¾ micro µ euro € pound £ yen ¥ cent ¢ larr ← rarr → " +
  "uarr ↑ darr ↓ harr ↔ rArr ⇒ lArr ⇐ le ≤ ge ≥ ne ≠ asymp ≈ infin ∞ radic √ sum ∑ prod ∏ part ∂ int ∫ forall ∀ exist ∃ isin ∈ alpha α beta β gamma γ " +
  "delta δ epsilon ε lambda λ mu μ pi π sigma σ tau τ phi φ omega ω Delta Δ Sigma Σ Omega Ω agrave à aacute á acirc â atilde ã auml ä aring å aelig æ ccedil ç " +
  "egrave è eacute é ecirc ê euml ë igrave ì iacute í icirc î iuml ï ntilde ñ ograve ò oacute ó ocirc ô otilde õ ouml ö oslash ø ugrave ù uacute ú ucirc û uuml ü " +
  "yacute ý yuml ÿ szlig ß Agrave À Aacute Á Acirc Â Auml Ä Aring Å AElig Æ Ccedil Ç Egrave È Eacute É Ecirc Ê Ntilde Ñ Ouml Ö Oslash Ø Uuml Ü iexcl ¡ iquest ¿ " +
  "ordm º ordf ª sup1 ¹ sup2 ² sup3 ³ dagger † permil ‰ lsaquo ‹ rsaquo › check ✓ star ☆ zwj \u200d zwnj \u200c shy \u00ad"
).split(" ");
const named = new Map(
  listed.flatMap((name, index): [string, string][] => (index % 2 === 0 ? [[name, listed[index + 1] ?? ""]] : [])),
);
for (const space of ["nbsp", "ensp", "emsp", "thinsp"]) named.set(space, " ");

/** Replaces the character references of HTML; one that is not known stays as it is. */
export function decodeEntities(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});?/g, decode);
}

function decode(reference: string): string {
  const name = reference.slice(1).replace(/;$/, "");
  if (!name.startsWith("#")) return named.get(name) ?? reference;
  const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
  // A line break written as a number would shift the lines.
  if (code === 10 || code === 13) return " ";
  return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : "\ufffd";
}
