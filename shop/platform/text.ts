import { z } from 'zod'

/** A text from outside that every engine can keep: PostgreSQL refuses the character NUL, SQLite cuts off there what many functions see of it. */
export const text = z.string().refine((value) => !value.includes('\0'), 'must not contain the character NUL')

/** By which something is asked for. Made here or elsewhere: an import brings its own. */
export const id = text.min(1).max(100)
