/** Style sheets of pages, which vite takes out of the scripts that name them. */
declare module '*.css' {}
