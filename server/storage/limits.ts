/** Largest document, bytes: 50 MiB, as `private.largest_document()` has it and as every plan of hosted Supabase allows. */
export const LARGEST_DOCUMENT = 52_428_800;
