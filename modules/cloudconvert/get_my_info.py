"""CloudConvert, "Get My Info". Source: Fusion's CloudConvert page; API v2, users."""

from collections.abc import AsyncIterator

from pydantic import Field

from engine.module import Context, Effect, Fields, Module
from modules.cloudconvert.answers import Answer, Flag, Map, Moment, Text, Whole
from modules.cloudconvert.api import get


class GetMyInfoFields(Fields):
    """ "Get My Info" has no fields."""


class Account(Answer):
    """An account of the service."""

    id: int
    """Number of the account."""
    username: Text = None
    """Name under which it is known."""
    email: Text = None
    """Its mail address."""
    created_at: Moment = None
    """When it was made."""
    credits: Whole = None
    """Conversion credits that are left."""
    paying: Flag = None
    """Whether it has a paid plan, if the service tells."""
    task_priority: Whole = None
    """Rank of its tasks among those that wait, if the service tells."""
    tasks_per_minute: Whole = None
    """How many tasks it may create in a minute, if the service tells."""
    links: Map = Field(default_factory=dict)
    """`self`: the account's address in the API."""


class GetMyInfo(Module[GetMyInfoFields, Account]):
    """Show the account that the connection belongs to; its key needs the scope `user.read`."""

    id = "cloudconvert.get_my_info"
    effect = Effect.READ

    async def execute(self, fields: GetMyInfoFields, ctx: Context) -> AsyncIterator[Account]:
        yield await get(ctx, "/users/me", Account)
