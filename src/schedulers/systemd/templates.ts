import Handlebars from 'handlebars/runtime.js';
import control from '../../../templates/control.hbs';
import pathForm from '../../../templates/path.hbs';
import sandbox from '../../../templates/sandbox.hbs';
import service from '../../../templates/service.hbs';
import slice from '../../../templates/slice.hbs';
import socket from '../../../templates/socket.hbs';
import timer from '../../../templates/timer.hbs';
import { comment, line, path, plain, word } from './escape.js';
import { Hole } from './stencil.js';

/** How text is made inert, by the names that templates use. */
export const quotes = { comment, line, path, plain, word };

const handlebars = Handlebars.create();
// Handlebars passes its own options object behind a helper's arguments.
for (const [name, quote] of Object.entries(quotes))
  handlebars.registerHelper(name, (text: string | Hole) =>
    text instanceof Hole ? new Hole(text.name, name).toString() : quote(text),
  );

/** The forms of unit files; what is filled in is decided by the views (control.ts, service.ts, sandbox.ts, timer.ts). */
export const templates = {
  control: handlebars.template(control),
  path: handlebars.template(pathForm),
  sandbox: handlebars.template(sandbox),
  service: handlebars.template(service),
  slice: handlebars.template(slice),
  socket: handlebars.template(socket),
  timer: handlebars.template(timer),
};
