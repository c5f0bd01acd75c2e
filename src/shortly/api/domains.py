"""Domains: the hosts that links live on, and which workspace each is for."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StrictInt

from shortly.accounts.people import MAX_WORKSPACES
from shortly.api.access import needs
from shortly.api.link_bodies import MAX_DOMAIN, Given
from shortly.api.problems import problems
from shortly.api.services import AllServices, Caller
from shortly.errors import (
    DomainInUse,
    DomainNotFound,
    DomainTaken,
    Forbidden,
    InvalidInput,
    StorageFull,
    WorkspaceNotFound,
)
from shortly.links.domain_service import Served
from shortly.links.domains import EVERYBODY

router = APIRouter(prefix="/api/v1/domains", tags=["domains"])

Host = Annotated[str, Field(max_length=4 * MAX_DOMAIN, examples=["go.example.com"])]
HostPath = Annotated[str, Path(max_length=4 * MAX_DOMAIN, description="The domain's host.")]
ForWorkspace = Annotated[StrictInt, Field(ge=1, le=MAX_WORKSPACES)]


class NewDomain(Given):
    """One more host to serve."""

    host: Host
    workspace_id: ForWorkspace | None = Field(None, description="Whose it will be; null: everybody's.")


class Assignment(Given):
    """Whose a domain is from now on."""

    workspace_id: ForWorkspace | None = Field(description="null: everybody's.")


class DomainOut(BaseModel):
    """A host with slugs of its own."""

    host: str
    workspace_id: int | None = Field(description="The one workspace that may use it; null: all of them.")
    default: bool = Field(description="It is the host of `BASE_URL`, where links are made that name none.")
    configured: bool = Field(description="A setting names it, so it cannot be removed here.")
    created_at: datetime | None = Field(description="null: nobody added or assigned it here.")

    @classmethod
    def of(cls, served: Served) -> Self:
        """Return the domain as it goes out."""
        return cls(
            host=served.host,
            workspace_id=served.workspace_id or None,
            default=served.default,
            configured=served.configured,
            created_at=served.created_at,
        )


class DomainList(BaseModel):
    """All of them, the default one first, the others by name."""

    items: list[DomainOut]


class DomainQuery(BaseModel):
    """Which domains."""

    model_config = ConfigDict(extra="forbid")

    all: bool = Field(False, description="Those of all workspaces, for who looks after the installation.")


@router.get("", operation_id="list_domains", dependencies=[needs("domains:read")], responses=problems(Forbidden))
async def list_domains(query: Annotated[DomainQuery, Query()], services: AllServices, caller: Caller) -> DomainList:
    """List the domains on which the workspace may make links: everybody's, and its own."""
    found = await services.domains.list_domains(caller, everywhere=query.all)
    return DomainList(items=[DomainOut.of(one) for one in found])


@router.post(
    "",
    status_code=201,
    operation_id="add_domain",
    dependencies=[needs("installation")],
    responses=problems(Forbidden, InvalidInput, DomainTaken, WorkspaceNotFound, StorageFull),
)
async def add_domain(new: NewDomain, services: AllServices, caller: Caller) -> DomainOut:
    """Serve one more host; all workers and replicas do so within two seconds. DNS and certificates are up to you."""
    return DomainOut.of(await services.domains.add(caller, new.host, new.workspace_id or EVERYBODY))


@router.patch(
    "/{host}",
    operation_id="assign_domain",
    dependencies=[needs("installation")],
    responses=problems(Forbidden, InvalidInput, DomainNotFound, DomainInUse, WorkspaceNotFound, StorageFull),
)
async def assign_domain(host: HostPath, to: Assignment, services: AllServices, caller: Caller) -> DomainOut:
    """Give a domain to one workspace, or to all. Links that live on it stay, with whose they are."""
    return DomainOut.of(await services.domains.assign(caller, host, to.workspace_id or EVERYBODY))


@router.delete(
    "/{host}",
    status_code=204,
    operation_id="remove_domain",
    response_class=Response,
    dependencies=[needs("domains:write")],
    responses=problems(Forbidden, DomainNotFound, DomainInUse, StorageFull),
)
async def remove_domain(host: HostPath, services: AllServices, caller: Caller) -> None:
    """Give up a domain of the workspace that has no links; one that a setting names becomes everybody's again."""
    await services.domains.remove(caller, host)
