/**
 * The first import of the process. From here on nobody can add a property to the object that every other object
 * inherits from, or to the functions that it holds: a library that uses a stranger's text as a key
 * (`filters['__proto__'].eq = …`, `filters['toString'].eq = …`) fails in that one request, and cannot change all others.
 */
Object.preventExtensions(Object.prototype);
for (const { value } of Object.values(Object.getOwnPropertyDescriptors(Object.prototype))) {
  if (typeof value === 'function') Object.preventExtensions(value);
}
