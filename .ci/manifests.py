"""Checks examples/container: the manifests against the Kubernetes schema, and that what one part
names another part has. Needs kubernetes-validate, which brings the schemas and PyYAML."""

from pathlib import Path

import kubernetes_validate
import yaml

CONTAINER = Path(__file__).resolve().parent.parent / "examples" / "container"
KUBERNETES = CONTAINER / "kubernetes"
# The lowest that has all that is used (the preStop handler `sleep`), and a recent one.
VERSIONS = ["1.30", "1.33"]


def main():
    kustomization = read(KUBERNETES / "kustomization.yaml")
    deployment = read(KUBERNETES / "sidecar.yaml")
    claim = read(KUBERNETES / "buffer.yaml")
    pod = deployment["spec"]["template"]["spec"]
    for version in VERSIONS:
        validate(claim, version)
        validate(as_patched(deployment), version)
    check_sidecar(pod, kustomization, claim)
    check_compose(read(CONTAINER / "compose.yaml"))
    print("the manifests are sound")


def read(path):
    return yaml.safe_load(path.read_text())


def validate(document, version):
    kubernetes_validate.validate(document, version, strict=True)


def as_patched(patch):
    """The patch with what the chart's Deployment has and the schema asks for."""
    labels = {"app.kubernetes.io/name": "teleport-plugin-event-handler"}
    spec = dict(patch["spec"], selector={"matchLabels": labels})
    pod = dict(spec["template"]["spec"], containers=[{"name": "event-handler", "image": "x:1"}])
    spec["template"] = {"metadata": {"labels": labels}, "spec": pod}
    return dict(patch, spec=spec)


def check_sidecar(pod, kustomization, claim):
    [sidecar] = pod["initContainers"]
    expect(sidecar["restartPolicy"] == "Always", "a native sidecar restarts always")
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in sidecar["volumeMounts"]}
    same(set(volumes), set(mounts), "volumes and mounts")

    images = {image["name"] for image in kustomization["images"]}
    expect(sidecar["image"] in images, "kustomization.yaml says where the image is")
    [generated] = kustomization["configMapGenerator"]
    same(volumes["forebay-conf"]["configMap"]["name"], generated["name"], "the ConfigMap")
    claimed = volumes["forebay-buffer"]["persistentVolumeClaim"]["claimName"]
    same(claimed, claim["metadata"]["name"], "the claim")
    for name in generated["files"] + [patch["path"] for patch in kustomization["patches"]]:
        expect((KUBERNETES / name).is_file(), f"{name} is there")

    conf = (KUBERNETES / "fluent.conf").read_text()
    [port, monitor] = sidecar["ports"]
    for each in [port, monitor]:
        expect(f"port {each['containerPort']}" in conf, "the port is the configuration's")
    expect(f"path {mounts['forebay-buffer']}/" in conf, "the buffer is on the claim")
    paths = {"startupProbe": "/healthz", "readinessProbe": "/readyz", "livenessProbe": "/healthz"}
    for probe, path in paths.items():
        same(sidecar[probe]["httpGet"]["port"], monitor["name"], probe)
        same(sidecar[probe]["httpGet"]["path"], path, probe)
    urls = read(KUBERNETES / "values.yaml")["fluentd"]
    for url in [urls["url"], urls["sessionUrl"]]:
        expect(url.startswith(f"https://localhost:{port['containerPort']}/"), url)
    expect("<match events.log session.**>" in conf, "both URLs are matched")


def check_compose(compose):
    services = compose["services"]
    for name, service in services.items():
        for other in service.get("depends_on", []):
            expect(other in services, f"{name} depends on {other}")
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            known = (CONTAINER / source).is_file() if source.startswith(".") else source in compose["volumes"]
            expect(known, f"{name} mounts {source}")
        if "build" in service:
            build = service["build"]
            dockerfile = CONTAINER / build["context"] / build["dockerfile"]
            expect(dockerfile.is_file(), f"{name} is built from {dockerfile}")
        else:
            tag = service["image"].partition(":")[2]
            expect(tag not in ("", "latest"), f"the image of {name} has a version")


def same(found, wanted, what):
    expect(found == wanted, f"{what}: {found} is {wanted}")


def expect(holds, what):
    if not holds:
        raise SystemExit(f"examples/container: not so: {what}")


if __name__ == "__main__":
    main()
