/**
 * The data of a route moves with it: back-fill and change capture from the monolith's tables, one writer per key at a time,
 * and a way back until the monolith's tables are retired.
 */
export {}
