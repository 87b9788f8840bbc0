// The API reference at `/docs`: Swagger UI shows this service's own document, and sends requests to
// this service alone, also below a proxy's path. A key that is entered stays in the page.

const base = new URL(".", location.href).pathname.replace(/\/$/, "");
const isDark = matchMedia("(prefers-color-scheme: dark)");
const followScheme = () => document.documentElement.classList.toggle("dark-mode", isDark.matches);

async function showReference() {
  const spec = await fetch("openapi.json").then((response) => response.json());
  SwaggerUIBundle({
    dom_id: "#reference",
    spec: base ? { ...spec, servers: [{ url: base }] } : spec,
    validatorUrl: null, // else it would send the document to a public validator
    queryConfigEnabled: false,
    deepLinking: true,
    displayRequestDuration: true,
  });
}

isDark.addEventListener("change", followScheme);
followScheme();
showReference();
