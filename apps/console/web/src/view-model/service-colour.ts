/** Colours that tokens.css has for services: `--service-1` and so on. */
export const SERVICE_COLOURS = 12

/**
 * The number of a service's colour. Services of the system take them in its order, so that the first twelve differ; any other takes one by
 * its name, so that it keeps it whatever else is known. A name always stands beside a colour.
 */
export function serviceColour(declared: readonly string[], name: string): number {
  const index = declared.indexOf(name)
  return ((index === -1 ? hash(name) : index) % SERVICE_COLOURS) + 1
}

/** FNV-1a of 32 bits (Fowler, Noll, Vo). */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  return value >>> 0
}
