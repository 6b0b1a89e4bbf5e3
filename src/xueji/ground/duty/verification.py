"""The door for rooms that take or give data about a child: keep by which paper somebody showed who he is (C-ROL-10).

from xueji.ground.duty import verification
verification.keep(actor, about="family_request:12", subject="guardian", name=..., paper="id_card", number=...)
verification.of("family_request:12")
"""

from .commands.verify import VerificationError, keep, masked
from .forms import VerificationForm
from .queries import verifications as of

__all__ = ["VerificationError", "VerificationForm", "keep", "masked", "of"]
