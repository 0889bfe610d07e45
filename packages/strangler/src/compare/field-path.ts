const PLAIN_KEY = /^[A-Za-z_$][\w$-]*$/

/** `body` and `price` make `body.price`; what is no name is quoted. */
export const childOf = (path: string, key: string): string => (PLAIN_KEY.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`)

/** The field of each member of an object that is used as a map. */
const memberOf = (field: string): string => `${field}{}`
export const elementOf = (field: string): string => `${field}[]`

// Numbers, identifiers, dates, mail addresses: nobody calls a field so.
const MAP_KEY =
  /^\d+$|^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$|^\d{4}-\d\d(?:-\d\d.*)?$|^[0-9a-f]{16,}$|^(?=.*\d)[A-Za-z0-9_-]{20,}$|@/i

/** Whether a key is data rather than a field's name. */
const isMapKey = (key: string): boolean => MAP_KEY.test(key)

/** The field of a member, where `isMap` says whether the names of the object are data. */
export const fieldOfMember = (field: string, key: string, isMap: boolean): string =>
  isMap || isMapKey(key) ? memberOf(field) : childOf(field, key)
