/**
 * Which fields a key function takes, as text: `{orderId}`, or `{tenant}/{orderId}`. The function is run on data that notes what is read of it;
 * what cannot be told that way is told by the function's source.
 */
export function keyExpression(key: (data: never) => string): string {
  try {
    const made: unknown = key(noting('') as never)
    const text = typeof made === 'string' ? made : String(made)
    // A key that reads nothing of the data is one for all.
    return text
  } catch {
    return `function: ${key.toString().replaceAll(/\s+/g, ' ')}`
  }
}

/** Stands for a value at a path. Used as text it is the path in braces. */
function noting(path: string): unknown {
  // A function, so that methods of what it stands for can be called.
  return new Proxy(() => path, {
    get: (_, name) => {
      if (name === Symbol.toPrimitive || name === 'toString') return () => `{${path}}`
      if (typeof name === 'symbol') return undefined
      return noting(path === '' ? name : `${path}.${name}`)
    },
    apply: (_, __, args: unknown[]) => noting(`${path}(${args.map((arg) => JSON.stringify(arg) ?? String(arg)).join(', ')})`),
  })
}
