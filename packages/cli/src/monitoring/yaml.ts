/** What a document is made of. */
export type YamlValue = string | number | boolean | readonly YamlValue[] | { readonly [key: string]: YamlValue | undefined }

// What a plain scalar may look like without meaning something else: no sign of YAML's, no number, no yes or no.
const PLAIN = /^[A-Za-z_][\w./ -]*[\w./]$/
const RESERVED = /^(?:true|false|null|yes|no|on|off)$/i

/** YAML in block style, two blanks a level. Keys without a value are left out; strings are quoted wherever they could be read as something else. */
export function yaml(value: YamlValue): string {
  return `${block(value, 0).replace(/^\n/, '')}\n`
}

/** The text that stands behind `key:`, or behind a dash. */
function block(value: YamlValue, depth: number): string {
  const margin = '  '.repeat(depth)
  if (Array.isArray(value)) {
    const items = value as readonly YamlValue[]
    if (items.length === 0) return ' []'
    // An item's first line stands behind its dash, the others below that line.
    return items.map((item) => `\n${margin}-${block(item, depth + 1).replace(/^\n\s*/, ' ')}`).join('')
  }
  if (typeof value === 'object') {
    const entries = Object.entries(value).filter((entry): entry is [string, YamlValue] => entry[1] !== undefined)
    if (entries.length === 0) return ' {}'
    return entries.map(([key, each]) => `\n${margin}${scalar(key)}:${block(each, isNested(each) ? depth + 1 : depth)}`).join('')
  }
  return ` ${scalar(value)}`
}

const isNested = (value: YamlValue): boolean => typeof value === 'object'

function scalar(value: string | number | boolean): string {
  if (typeof value !== 'string') return String(value)
  if (PLAIN.test(value) && !RESERVED.test(value)) return value
  // Between single quotes nothing has a meaning, so that an expression can be read as it is; JSON's strings are YAML's too.
  return value.includes('\n') ? JSON.stringify(value) : `'${value.replaceAll("'", "''")}'`
}
