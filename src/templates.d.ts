/** Handlebars templates are compiled by the build (templates/precompile.mjs). */
declare module '*.hbs' {
  const form: TemplateSpecification;
  export default form;
}

/** The part of Handlebars that fills compiled templates in; its own declarations name it without the `.js` that Node needs. */
declare module 'handlebars/runtime.js' {
  import Handlebars from 'handlebars';
  export default Handlebars;
}
