/**
 * The values of a field, in order, among raw field lines that passed the grammar. One walk over the lines for each question: whoever asks often keeps
 * the answer.
 * @param name in lower case
 */
export function fieldValues(lines: string, name: string): readonly string[] {
  const values: string[] = []
  for (let at = 0; at < lines.length;) {
    const end = lines.indexOf('\r\n', at)
    if (end === -1) break
    const colon = at + name.length
    if (lines.charCodeAt(colon) === 0x3a && lines.slice(at, colon).toLowerCase() === name) values.push(lines.slice(colon + 1, end).trim())
    at = end + 2
  }
  return values
}
