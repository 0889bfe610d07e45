// RFC 9110, section 9.2.1: a request that asks for nothing to be changed.
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

export const isSafe = (method: string): boolean => SAFE_METHODS.has(method)
